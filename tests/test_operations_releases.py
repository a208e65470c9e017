"""Many releases at once: what is committed for them, and that it goes again."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml

from conformance.capabilities.operations import many_releases
from conformance.capabilities.operations import test_many_releases as checks
from conformance.capabilities.operations.many_releases import ManyReleases
from conformance.common.timeouts import Timeouts
from conformance.platform.reference.content import ROOT_KUSTOMIZATION

ENTRY = "flux2/apps/many-abc-1.yaml"


class Branch:
    """A branch that Flux tracks, its repository and a cluster, on which all is done at once."""

    namespace = "apps"
    timeouts = Timeouts()

    def __init__(self) -> None:
        self.git = self.kube = self
        self.lock = threading.RLock()
        self.tree: dict[str, str] = {ROOT_KUSTOMIZATION: "resources: [apps/notes.yaml]\n"}
        self.names = ["many-abc-1-000", "many-abc-1-001", "another"]

    def read(self, path: str) -> str:
        return self.tree[path]

    def files(self) -> list[str]:
        return [*self.tree]

    def push(self, changes: dict[str, str | None], _: str) -> None:
        for path, text in changes.items():
            if text is None:
                del self.tree[path]
            else:
                self.tree[path] = text

    def list(self, _: str, kind: str, namespace: str) -> list[dict[str, Any]]:
        assert (kind, namespace) == ("ConfigMap", "apps")
        return [
            {"metadata": {"name": name}, "data": {"number": str(int(name[-3:]))}}
            if name.startswith("many")
            else {"metadata": {"name": name}}
            for name in self.names
        ]


@pytest.fixture
def branch(monkeypatch: pytest.MonkeyPatch) -> Branch:
    monkeypatch.setattr(many_releases, "wait_each", lambda *_, **__: [])
    return Branch()


def test_each_release_is_another_of_one_chart(branch: Branch) -> None:
    ManyReleases(branch, "many-abc-1", 200).push()  # type: ignore[arg-type]
    assert yaml.safe_load(branch.tree[ROOT_KUSTOMIZATION])["resources"] == [
        "apps/notes.yaml",
        "apps/many-abc-1.yaml",
    ]
    releases = [*yaml.safe_load_all(branch.tree[ENTRY])]
    assert len({one["metadata"]["name"] for one in releases}) == 200
    assert len({one["spec"]["values"]["number"] for one in releases}) == 200
    [chart] = {one["spec"]["chart"]["spec"]["chart"] for one in releases}
    assert f"{chart.removeprefix('./')}/Chart.yaml" in branch.tree


def test_only_their_own_config_maps_are_counted(branch: Branch) -> None:
    assert ManyReleases(branch, "many-abc-1", 200).installed() == {"0", "1"}  # type: ignore[arg-type]


def test_nothing_of_them_stays_in_the_branch(branch: Branch) -> None:
    before = dict(branch.tree)
    made = ManyReleases(branch, "many-abc-1", 3)  # type: ignore[arg-type]
    made.push()
    made.remove()
    assert branch.tree.keys() == before.keys()
    assert yaml.safe_load(branch.tree[ROOT_KUSTOMIZATION]) == {"resources": ["apps/notes.yaml"]}
    made.remove()


def test_a_busy_machine_is_waited_for_longer_than_it_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meter = SimpleNamespace(read=lambda: SimpleNamespace(slowdown=3.0))
    monkeypatch.setattr(checks, "LoadMeter", lambda: meter)
    releases = MagicMock(number=1)
    releases.installed.return_value = {"0"}
    releases.memory.return_value = {"flux/manager": 100.0}
    checks.test_many_releases(releases, MagicMock())
    [timeout] = releases.wait_applied.call_args.kwargs.values()
    assert timeout > 3 * checks.PATIENCE
