"""Test data of an app counts only if an altered byte of it would be noticed."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.apps import tree
from conformance.apps.base import Seed, SeedScale, Volume
from conformance.apps.deployment import HelmDeployment

VOLUME = Volume(claim="c", pod_volume="data", mount_path="/data")
SMALL, LARGE = (
    tree.Entry("file", "644", 0, 0, size, sha256="", target="") for size in (1, 1 << 20)
)


class App:
    """One whose data is what was altered in its volume, and says of it what it is told to."""

    name = "app"
    volumes = (VOLUME,)

    def __init__(self, finds: str) -> None:
        self.altered: set[str] = set()
        self._finds = finds

    def seed(self, _instance: object, _scale: SeedScale) -> Seed:
        return Seed(1, {"/data": {"small": SMALL, "large": LARGE}}, {})

    def verify(self, _instance: object, _seed: Seed) -> None:
        if self._finds and self.altered:
            raise tree.DataDiffers("app", [f"{path}: {self._finds}" for path in self.altered])


def seeded(app: App, monkeypatch: pytest.MonkeyPatch) -> Seed:
    monkeypatch.setattr(
        tree, "alter", lambda _run, path: app.altered.symmetric_difference_update({path})
    )
    rest: Any = (None,) * 6
    return HelmDeployment(app, *rest).seed()  # type: ignore[arg-type]


def test_a_byte_is_altered_and_put_right_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App(finds="sha256 a -> b")
    assert seeded(app, monkeypatch).number == 1
    assert app.altered == set()


def test_data_of_which_no_alteration_is_noticed_proves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(AssertionError, match="an altered byte in /data/large goes unnoticed"):
        seeded(App(finds=""), monkeypatch)


def test_another_difference_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(tree.DataDiffers, match="missing"):
        seeded(App(finds="missing"), monkeypatch)
