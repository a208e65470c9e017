"""The linter's result with a run on a cluster, for the tests of its views."""

from __future__ import annotations

from pathlib import Path

import pytest
from judged_runs import hostile_run, two_apps

from conformance.linter.result import Result


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that paths of evidence are relative to."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def result(here: Path) -> Result:  # noqa: ARG001 - paths of evidence are as seen from there
    """What files and checks say of notes and WordPress."""
    return two_apps()


@pytest.fixture
def hostile(result: Result) -> Result:
    """The same, in which every text is somebody's who means harm."""
    return hostile_run(result)
