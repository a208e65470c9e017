from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.cli.doctor import examine
from conformance.clusters import probe
from conformance.clusters.probe import Finding, Outcome
from conformance.common import disk_space
from conformance.common.errors import HarnessError
from conformance.common.settings import PROJECT_ROOT

DOCTOR = "from conformance.cli import main; main()"


def run_doctor(state: Path, user: int | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", DOCTOR, "doctor"],
        cwd=PROJECT_ROOT,
        env={**os.environ, "STACKSPIN_CONFORMANCE_STATE": str(state)},
        user=user,
        capture_output=True,
        text=True,
        check=False,
    )


def test_exit_status_is_the_verdict(tmp_path: Path) -> None:
    answer = run_doctor(tmp_path)
    blocked = any(line.startswith("blocked") for line in answer.stdout.splitlines())
    assert answer.returncode == int(blocked), answer.stdout + answer.stderr
    assert ("cannot run here" in answer.stdout) == blocked
    assert not list(tmp_path.iterdir())


def test_not_root_is_one_finding_with_its_fix() -> None:
    findings = examine([lambda: Finding("root", Outcome.BLOCKED, "user 1"), probe.memory])
    assert [finding.subject for finding in findings] == ["root"]
    if os.geteuid() != 0:
        assert probe.root().outcome is Outcome.BLOCKED
        assert "sudo" in probe.root().fix


def test_blocking_finding_is_an_error_with_what_and_fix() -> None:
    probe.require(Finding("x", Outcome.TIGHT, "little", "more"))
    with pytest.raises(HarnessError, match="disk: full\n  To do: free some"):
        probe.require(Finding("disk", Outcome.BLOCKED, "full", "free some"))


def test_disk_of_a_folder_yet_to_be_made_is_looked_at(tmp_path: Path) -> None:
    assert "GB are free" in probe.disk(tmp_path / "not/there/yet").found


@pytest.mark.parametrize(
    ("free", "outcome"),
    [(3.2, Outcome.BLOCKED), (3.3, Outcome.TIGHT), (10.8, Outcome.WORKS)],
)
def test_a_node_needs_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: float, outcome: Outcome
) -> None:
    monkeypatch.setattr(disk_space, "free", lambda _: int(free * 1e9))
    found = probe.disk(tmp_path)
    assert found.outcome is outcome
    assert f"{free} GB are free" in found.found
    assert ("STACKSPIN_CONFORMANCE_STATE" in found.fix) == (outcome is not Outcome.WORKS)


@pytest.mark.parametrize(
    ("free", "most", "watches", "nodes", "fix"),
    [
        (100, 128, 192_536, "4 more nodes", ""),
        (30, 128, 192_536, "1 more node ", "max_user_instances=512"),
        (0, 128, 192_536, "0 more nodes", "max_user_instances=512"),
        (0, 512, 192_536, "0 more nodes", "max_user_instances=1024"),
        (100, 128, 5_000, "2 more nodes", "max_user_watches=65536"),
        (30, 128, 500, "0 more nodes", "max_user_instances=512 fs.inotify.max_user_watches=65536"),
    ],
)
def test_inotify_is_enough_for_the_nodes_of_a_run_or_says_what_to_raise(
    free: int, most: int, watches: int, nodes: str, fix: str
) -> None:
    finding = probe.inotify_of(free, most, watches)
    assert nodes in finding.found
    assert f"{free} of {most} instances are free; at most {watches} watches" in finding.found
    assert finding.outcome is (Outcome.TIGHT if fix else Outcome.WORKS)
    assert finding.fix == (f"as root: sysctl -w fs.inotify.{fix}" if fix else "")


def test_inotify_instances_are_given_back() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    probe.inotify()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
