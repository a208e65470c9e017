"""How long the suite itself takes, and what its longest checks measure: each a run of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.catalogue import Measure, Samples, benchmark
from conformance.common.errors import HarnessError
from conformance.common.settings import PROJECT_ROOT
from conformance.report.model import RunReport

if TYPE_CHECKING:
    from bench.lab import Lab
    from conformance.report.results import CheckResult

CHECKS = "conformance/capabilities"
LAST_LINES = 15
"""Of what a run has printed, if it fails."""


@benchmark(
    "e2e",
    Measure("afresh", target=390.0),
    Measure("from a snapshot"),
    by_default=False,
)
def e2e(lab: Lab) -> Samples:
    """The core checks, from nothing to the end: the platform installed, or from a snapshot."""
    return {
        "afresh": [_run(lab).seconds],
        "from a snapshot": [_run(lab, "--snapshot=auto").seconds],
    }


@benchmark(
    "recovery",
    Measure("recovery time", target=240.0),
    Measure("recovery point"),
    by_default=False,
)
def recovery(lab: Lab) -> Samples:
    """From a cluster that is lost to the login of a person, and how old their data is then."""
    return _measured(_check(lab, "disaster_recovery.login_after_loss"))


@benchmark(
    "upgrade",
    Measure("from the push to Ready"),
    Measure("check", target=240.0),
    by_default=False,
)
def upgrade(lab: Lab) -> Samples:
    """The upgrade of a platform with people and data, and the whole check of it."""
    result = _check(lab, "platform_upgrade.no_failed_release")
    return {**_measured(result), "check": [result.seconds]}


def _run(lab: Lab, *arguments: str) -> RunReport:
    """Run checks on a cluster of their own; return the report. HarnessError if one fails."""
    settings = lab.settings
    with tempfile.TemporaryDirectory(prefix="stackspin-bench-") as folder:
        options = (
            f"--cluster={settings.cluster}", f"--cluster-name={settings.cluster_name}",
            f"--docker={settings.docker}", f"--reports-dir={folder}",
        )  # fmt: skip
        command = [sys.executable, "-m", "pytest", CHECKS, *arguments, *options]
        done = subprocess.run(
            command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            last = "\n".join(done.stdout.splitlines()[-LAST_LINES:])
            raise HarnessError(f"the run has failed:\n{last}")
        return RunReport.model_validate_json(Path(folder, "latest", "report.json").read_bytes())


def _check(lab: Lab, check: str) -> CheckResult:
    """Run one check on a cluster of its own; return what it came to."""
    [result] = [one for one in _run(lab, "-k", check).checks if one.id == check]
    return result


def _measured(result: CheckResult) -> dict[str, list[float]]:
    """Return the seconds that a check has measured, by their names."""
    return {one.name: [one.value] for one in result.measurements if one.unit == "s"}
