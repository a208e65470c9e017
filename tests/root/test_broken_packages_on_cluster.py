"""Packages that are broken in every way, in one run, and a good one behind them all."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from broken_packages import BROKEN, Expected, expectations

from conformance.clusters.ownership import inventory
from conformance.clusters.ownership.state import State
from conformance.common.settings import PROJECT_ROOT, Settings
from conformance.kube.client import Kube
from conformance.kube.inventory import everything, ref_of

GOOD = PROJECT_ROOT / "fixtures" / "packages" / "caddy"
NAME = "broken"
MINUTES = 35
"""For all: a cluster comes up, most packages are told of in a minute, none has more than two."""
COMMAND = "from conformance.cli import main; main()"
THEIR_NAMES = {one.folder for one in expectations()} | {
    "a-database", "caddy", "greetings.example.org", "nothing", "reads-all-secrets",
}  # fmt: skip
"""What there is nothing of at the end: no object has a name that begins with one of these."""


@pytest.fixture(scope="module")
def state_dir() -> Iterator[Path]:
    folder = Settings().state_dir
    yield folder
    inventory.take_down(folder, NAME)


@pytest.fixture(scope="module")
def result(state_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what one run has found out about them."""
    del state_dir
    folder = tmp_path_factory.mktemp("run")
    output = folder / "result.json"
    options = (
        "--cluster=embedded", f"--cluster-name={NAME}", "--keep-cluster", "--time=2",
        f"--reports-dir={folder}", "--format=json", f"--output={output}",
    )  # fmt: skip
    began = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-c", COMMAND, "app", str(BROKEN), str(GOOD), *options],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, f"{run.stdout}\n{run.stderr}"
    assert time.monotonic() - began < MINUTES * 60
    found: dict[str, Any] = json.loads(output.read_text())
    return found


def app_in(result: dict[str, Any], folder: str) -> dict[str, Any]:
    [app] = [one for one in result["apps"] if folder in one["path"].split("/")]
    return dict(app)


@pytest.mark.parametrize("expected", expectations(), ids=lambda one: one.folder)
def test_a_finding_says_what_is_broken(result: dict[str, Any], expected: Expected) -> None:
    found = {one["rule"]: one["message"] for one in app_in(result, expected.folder)["findings"]}
    assert expected.text in found[expected.check]


def test_the_run_came_to_its_end(result: dict[str, Any]) -> None:
    assert result["cluster"]["trouble"] == ""
    assert result["cluster"]["errors"] == []


def test_the_good_package_behind_them_reaches_its_level(result: dict[str, Any]) -> None:
    [caddy] = [one for one in result["apps"] if one["name"] == "caddy"]
    assert caddy["level"] == 4


def test_nothing_of_them_is_left(result: dict[str, Any], state_dir: Path) -> None:
    del result
    kube = Kube(State(state_dir).folder(NAME).kubeconfig)
    left = [
        str(ref_of(item))
        for item in everything(kube)
        if item["metadata"]["name"].startswith(tuple(THEIR_NAMES))
    ]
    assert left == []
