"""The annex on a real cluster: found as it is described, judged, and its defects found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from annex_platform import ANNEX, DEFECTS, said

from conformance.common.settings import PROJECT_ROOT, Settings
from conformance.components.builder import Components

NAME = "annex"
DESCRIPTION = ANNEX / "platform.yaml"


@dataclass(frozen=True)
class Installed:
    """The annex, as its script left it."""

    kubeconfig: Path
    reports: Path
    environment: dict[str, str]

    def command(self, *arguments: str, status: int = 0) -> str:
        """Run a command of the suite's; return what it prints."""
        code = "from conformance.cli import main; main()"
        argv = [sys.executable, "-c", code, *arguments]
        ended = subprocess.run(
            argv, env=self.environment, stdout=subprocess.PIPE, text=True, check=False
        )
        assert ended.returncode == status
        return ended.stdout

    def bring_to(self, *defect: str) -> None:
        """Let Flux apply the tree, with a defect or without."""
        argv = [str(ANNEX / "install.py"), f"--kubeconfig={self.kubeconfig}", *defect]
        subprocess.run([sys.executable, *argv], env=self.environment, check=True)

    def judged(self, *selection: str) -> dict[str, Any]:
        """Return the report of a run on it."""
        argv = [
            *("conformance/capabilities", "--cluster=existing", f"--kubeconfig={self.kubeconfig}"),
            *(f"--platform={DESCRIPTION}", f"--reports-dir={self.reports}", *selection),
        ]
        command = [sys.executable, "-m", "pytest", *argv]
        subprocess.run(command, cwd=PROJECT_ROOT, env=self.environment, check=False)
        newest = max(self.reports.glob("*/report.json"), key=lambda path: path.stat().st_mtime)
        report: dict[str, Any] = json.loads(newest.read_text())
        return report

    def source(self) -> dict[str, Any]:
        """Return the GitRepository that its Flux follows."""
        argv = ["kubectl", f"--kubeconfig={self.kubeconfig}", "get", "gitrepository", "stackspin"]
        found = subprocess.run(
            [*argv, "--namespace=flux-system", "--output=json"],
            env=self.environment,
            capture_output=True,
            check=True,
        )
        read: dict[str, Any] = json.loads(found.stdout)
        return read


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """A bare node with the suite's images in its registry, and on it what the script installs."""
    folder = tmp_path_factory.mktemp("annex")
    components = Components(Settings())
    programs = components.binary("kubectl").parent
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT_ROOT),
        "STACKSPIN_CONFORMANCE_STATE": str(folder / "state"),
    }
    made, named = Installed(Path(), folder / "reports", environment), ("--cluster-name", NAME)
    try:
        kubeconfig = (
            made.command("cluster", "up", *named).strip().removeprefix("export KUBECONFIG=")
        )
        made = Installed(Path(kubeconfig), folder / "reports", environment)
        made.command("cluster", "push", f"--kubeconfig={kubeconfig}")
        made.bring_to()
        yield made
    finally:
        made.command("cluster", "down", *named)
        components.close()


def test_discovery_finds_what_the_description_says(installed: Installed) -> None:
    text = installed.command(
        "platform", "discover", "--output=-", f"--kubeconfig={installed.kubeconfig}"
    )
    found, described = yaml.safe_load(text), yaml.safe_load(DESCRIPTION.read_text())
    described = json.loads(json.dumps(described).replace("${domain}", described["domain"]))
    for each in (found, described):
        each.pop("implementation", None)
        each.pop("exempt", None)  # what only people say
    assert found == described


def test_the_description_holds(installed: Installed) -> None:
    said_of_it = installed.command(
        "platform", "check", str(DESCRIPTION), f"--kubeconfig={installed.kubeconfig}"
    )
    assert "all of it holds" in said_of_it


def test_every_core_check_that_applies_passes(installed: Installed) -> None:
    before = installed.source()["spec"]
    report = installed.judged("-m", "core")
    checks = [one for capability in report["capabilities"] for one in capability["checks"]]
    assert [one["id"] for one in checks if one["verdict"] == "fail"] == []
    assert len([one for one in checks if one["verdict"] == "pass"]) > 90
    assert report["errors"] == []
    assert installed.source()["spec"] == before
    assert before["suspend"]


@pytest.mark.parametrize("patch", DEFECTS, ids=lambda patch: patch.stem)
def test_a_defect_is_found(installed: Installed, patch: Path) -> None:
    check = said(patch)["Found by"]
    installed.bring_to(f"--defect={patch.stem}")
    try:
        report = installed.judged("-k", check, "--maxfail=1")
    finally:
        installed.bring_to()
    checks = [one for capability in report["capabilities"] for one in capability["checks"]]
    assert "fail" in {one["verdict"] for one in checks if one["id"] == check}
