"""The two releases of a platform's upgrade: how the first is made, and the second pushed."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from conformance.capabilities.platform_upgrade.previous import VERSION, previous_release
from conformance.capabilities.platform_upgrade.release import ReferenceReleases, TreeReleases
from conformance.common.settings import data_root
from conformance.platform.reference import ReferenceStack
from conformance.platform.reference.content import (
    FLUX_MANIFEST,
    ROOT_KUSTOMIZATION,
    VELERO_CRDS,
    repository_files,
)
from conformance.platform.tree.stack import TreeStack


def values(root: Path, chart: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((root / "charts" / chart / "values.yaml").read_text())
    return found


def test_the_release_before_of_the_reference_has_older_charts_and_its_own_values(
    tmp_path: Path,
) -> None:
    root = previous_release(tmp_path)
    charts = list((root / "charts").glob("*/Chart.yaml"))
    assert len(charts) == len(list((data_root() / "charts").glob("*/Chart.yaml"))) > 0
    for chart in charts:
        assert yaml.safe_load(chart.read_text())["version"] == VERSION
    differences = yaml.safe_load((data_root() / "fixtures/platforms/previous.yaml").read_text())
    for chart in differences:
        assert values(root, chart) != values(data_root(), chart)
    resources = values(root, "notes")["resources"]
    assert resources["limits"] == {"memory": "192Mi"}
    assert resources["requests"] == values(data_root(), "notes")["resources"]["requests"]


def test_only_charts_differ_so_that_the_push_is_what_upgrades(tmp_path: Path) -> None:
    before, after = repository_files(previous_release(tmp_path)), repository_files(data_root())
    assert before.keys() == after.keys()
    changed = [path for path in after if before[path] != after[path]]
    assert all(path.startswith("charts/") for path in changed)
    assert len([one for one in changed if one.endswith("/Chart.yaml")]) == len(
        [one for one in after if one.endswith("/Chart.yaml")]
    )


class Git:
    """A repository with these files; what is committed is noted."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.lock = threading.RLock()
        self._files = files
        self.committed: dict[str, bytes | None] = {}

    def files(self) -> list[str]:
        return [*self._files]

    def differing(self, files: dict[str, bytes]) -> dict[str, bytes]:
        return {path: one for path, one in files.items() if self._files.get(path) != one}

    def commit(self, changes: dict[str, bytes | None], _: str) -> str:
        self.committed = changes
        return "hash"


def test_a_push_of_the_reference_leaves_what_is_installed_and_takes_out_what_is_gone(
    tmp_path: Path,
) -> None:
    following = repository_files(data_root())
    stays = {
        ROOT_KUSTOMIZATION: b"with an app",
        FLUX_MANIFEST: b"Flux",
        f"{VELERO_CRDS}/backups.yaml": b"CRD",
    }
    gone = {"flux2/apps/old.yaml": b"old"}
    git = Git({**repository_files(previous_release(tmp_path)), **stays, **gone})
    stack: Any = SimpleNamespace(git=git)
    assert ReferenceStack.push_release(stack, data_root()) == "hash"
    assert git.committed.keys() & stays.keys() == set()
    assert git.committed["flux2/apps/old.yaml"] is None
    chart = "charts/notes/Chart.yaml"
    assert git.committed[chart] == following[chart]


def test_going_back_is_a_push_of_the_release_before(monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[object] = []
    push = lambda _, release: pushed.append(release) or "hash"  # noqa: E731 - a method
    monkeypatch.setattr(ReferenceStack, "push_release", push)
    monkeypatch.setattr(TreeStack, "push_release", push)
    reference = ReferenceReleases(Path("before"), Path("next"))
    assert reference.push_back(object.__new__(ReferenceStack)) == "hash"
    tree = TreeReleases("before", "next")  # type: ignore[arg-type]
    assert tree.push_back(object.__new__(TreeStack)) == "hash"
    assert pushed == [Path("before"), "before"]
