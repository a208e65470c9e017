"""Restores that are begun at the same time, as far as that needs no cluster."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from asked_velero import AskedVelero

from conformance.apps.base import Seed
from conformance.apps.tree import DataDiffers
from conformance.capabilities.backup_restore import at_once as module
from conformance.capabilities.backup_restore.at_once import AGAIN, NEWER, OLDER, AtOnce
from conformance.kube.objects import Ref


class App:
    """An app that keeps what is put into it."""

    def __init__(self, velero: AskedVelero) -> None:
        self.velero, self.namespace, self.kube = velero, "n", None
        self.deployment = self.app = self
        self.instance = "here"
        self.has: set[int] = {1}

    def install(self) -> Seed:
        return Seed(1, {}, {})

    def seed(self, _: object, __: object, number: int) -> Seed:
        self.velero.asked.append(("seed", number))
        return Seed(number, {}, {})

    def wait_served(self) -> None:
        pass

    def verify(self, _: object, seed: Seed) -> None:
        if seed.number not in self.has:
            raise DataDiffers("data", ["a: missing"])


def test_three_restores_of_two_backups_are_begun_before_any_is_awaited() -> None:
    velero = AskedVelero()
    app: Any = App(velero)
    at_once = AtOnce(app, None, "copy-1", "copy-2")  # type: ignore[arg-type]
    assert [*at_once.restores.result(20)] == [OLDER, NEWER, AGAIN]
    assert velero.asked[2] == ("seed", 2), "both backups have the same data"
    begun = [(name, backup, more["mapping"]) for _, name, backup, more in velero.asked[5:8]]
    assert begun == [
        ("n-older", "n-older", {"n": "copy-1"}),
        ("n-newer", "n-newer", {"n": "copy-2"}),
        ("n-newer-again", "n-newer", {"n": "copy-2"}),
    ]
    assert [one[0] for one in velero.asked[8:]] == ["finished"] * 3


def test_a_copy_has_a_seed_or_not() -> None:
    app: Any = App(AskedVelero())
    at_once = AtOnce(app, None, "copy-1", "copy-2")  # type: ignore[arg-type]
    assert at_once._has(None, Seed(1, {}, {}))  # type: ignore[arg-type]
    assert not at_once._has(None, Seed(2, {}, {}))  # type: ignore[arg-type]


def test_what_a_second_restore_found_is_read_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = Ref("v1", "PersistentVolumeClaim", "notes-data", "copy")
    actions = {"again": SimpleNamespace(left=frozenset([claim]))}
    monkeypatch.setattr(module, "actions_of", lambda _, name: actions[name])
    at_once = object.__new__(AtOnce)
    at_once._store = None  # type: ignore[assignment]
    assert at_once.named_by({"metadata": {"name": "again"}}) == {claim}
