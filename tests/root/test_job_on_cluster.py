"""The suite as a Job: it judges the Stackspin of the cluster that it is a pod of."""

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

from conformance.common.settings import PROJECT_ROOT, Settings
from conformance.components.builder import Components
from conformance.platform.installed import homes

NAME = "job"
NAMESPACE = "conformance"
CHECKS = ("single_sign_on.discovery", "single_sign_on.login", "chart_deployment.helm_install")
"""Of a request, of a browser with apps that Flux installs, and of helm."""
NOT_RUN = "update_pipeline.built_and_tagged_for_testing"
"""It needs an image that is built."""


@dataclass(frozen=True)
class Home:
    """A cluster with a Stackspin, and programs to reach it."""

    kubeconfig: Path
    environment: dict[str, str]

    def run(self, *argv: str) -> str:
        """Run a program; return what it prints."""
        ended = subprocess.run(
            argv, env=self.environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return ended.stdout

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in the namespace of the Job."""
        named = (f"--kubeconfig={self.kubeconfig}", f"--namespace={NAMESPACE}")
        return self.run("kubectl", *named, *arguments)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("job")
    components = Components(Settings())
    programs = (components.binary(name).parent for name in ("kubectl", "helm"))
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
        "PYTHONPATH": str(PROJECT_ROOT),
        "STACKSPIN_CONFORMANCE_STATE": str(folder / "state"),
    }
    code = "from conformance.cli import main; main()"
    command, named = (sys.executable, "-c", code), ("--cluster-name", NAME)
    made = Home(Path(), environment)
    try:
        said = made.run(*command, "cluster", "up", "--platform", *named)
        made = Home(Path(said.strip().removeprefix("export KUBECONFIG=")), environment)
        made.run(*command, "job", "image", f"--kubeconfig={made.kubeconfig}")
        yield made
    finally:
        made.run(*command, "cluster", "down", *named)
        components.close()


@pytest.fixture(scope="module")
def report(home: Home, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of a run in the cluster, fetched as docs/in-the-cluster.md says."""
    chosen = json.dumps(["-k", " or ".join((*CHECKS, NOT_RUN))])
    home.run(
        *("helm", "install", "conformance", str(PROJECT_ROOT / "deploy" / "chart")),
        *(f"--kubeconfig={home.kubeconfig}", f"--namespace={NAMESPACE}", "--create-namespace"),
        *("--set-json", f"options={chosen}", "--set", "suspend=true"),
    )
    home.kubectl("create", "job", "now", "--from=cronjob/conformance")
    selected = ("pod", "--selector=job-name=now")
    home.kubectl("wait", *selected, "--for=create", "--timeout=60s")
    home.kubectl("wait", *selected, "--for=condition=Ready", "--timeout=60m")
    pod = home.kubectl("get", *selected, "--output=name").strip().removeprefix("pod/")
    name = home.kubectl("exec", pod, "--", "cat", "/tmp/conformance-finished").strip()
    folder = tmp_path_factory.mktemp("fetched")
    home.kubectl("cp", f"{pod}:/reports/{name}", str(folder))
    home.kubectl("exec", pod, "--", "touch", "/tmp/conformance-fetched")
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def test_the_checks_pass_in_the_cluster(home: Home, report: dict[str, Any]) -> None:
    checks = [one for capability in report["capabilities"] for one in capability["checks"]]
    verdicts = {one["id"]: one["verdict"] for one in checks}
    assert {name: verdicts[name] for name in CHECKS} == dict.fromkeys(CHECKS, "pass")
    [reason] = [one["reason"] for one in checks if one["id"] == NOT_RUN]
    assert (verdicts[NOT_RUN], reason[:16]) == ("not run", "images are built")
    assert report["errors"] == []
    home.kubectl("wait", "job", "now", "--for=condition=Complete", "--timeout=60s")


def test_the_report_says_where_it_ran(report: dict[str, Any]) -> None:
    assert (report["cluster"]["name"], report["host"]["root"]) == ("in-cluster", False)


def test_nothing_of_the_run_is_left(home: Home, report: dict[str, Any]) -> None:
    assert report["state"] == "complete"
    there = home.kubectl("get", "namespaces", "--output=name").split()
    assert not {f"namespace/{name}" for name in homes.BOTH} & {*there}
