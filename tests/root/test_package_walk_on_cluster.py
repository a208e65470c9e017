"""Who follows docs/package-an-app.md on a real cluster gets to level 6, and sees what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from package_walk import DOCUMENT, Command, steps

from conformance.clusters.ownership import inventory

NAME = "stackspin"
"""The cluster's name where nobody says another: the page takes it down again."""

Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """The console script, with a state of its own; whatever it keeps is gone afterwards."""
    state = tmp_path / "state"
    environment = {
        **os.environ,
        "STACKSPIN_CONFORMANCE_CLUSTER": "embedded",
        "STACKSPIN_CONFORMANCE_CLUSTER_NAME": NAME,
        "STACKSPIN_CONFORMANCE_STATE": str(state),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from conformance.cli import main; main()", *arguments]
        folder = tmp_path / "walk"
        folder.mkdir(exist_ok=True)
        return subprocess.run(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )

    yield run
    if inventory.clusters(state):
        run("cluster", "down")


def test_the_page_leads_to_level_6(tmp_path: Path, program: Program) -> None:
    for step in steps(DOCUMENT.read_text(encoding="utf-8")):
        if isinstance(step, Command):
            step.assert_said(program(*step.arguments).stdout)
        else:
            step.do(tmp_path / "walk")
    assert inventory.clusters(tmp_path / "state") == []
