"""The owner's end of a node that does not come up."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.clusters.sandbox import sandbox
from conformance.common.errors import HarnessError

SILENT = "echo why it is slow; exec sleep 600"


def start(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> sandbox.Sandbox:
    monkeypatch.setattr(sandbox, "UNSHARE", ("sh", "-c", script))
    return sandbox.Sandbox(folder / "plan", folder / "init.log")


def test_a_node_that_never_says_hello_is_ended_and_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "HELLO_SECONDS", 1.0)
    silent = start(monkeypatch, tmp_path, SILENT)
    with pytest.raises(HarnessError, match=r"(?s)it did not answer within 1 s; .*why it is slow"):
        silent.hello()
    silent.close()
    silent.wait()


def test_an_event_is_waited_for_as_long_as_one_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = start(monkeypatch, tmp_path, SILENT)
    assert silent.event(0.1) == {"event": "none"}
    monkeypatch.setattr(sandbox, "HELLO_SECONDS", 0.1)
    with pytest.raises(HarnessError):
        silent.hello()
    silent.close()
    silent.wait()
