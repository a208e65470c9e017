"""Runs of tiny checks on a cluster that is never started."""

from __future__ import annotations

import json
import pkgutil
from importlib import import_module
from typing import Any, Protocol

import pytest

from conformance import suite
from conformance.clusters.base import Cluster
from conformance.common.errors import HarnessError
from conformance.suite import fixtures

# pytester forgets what a run imported: without this, each would import all that checks need anew.
for _module in pkgutil.iter_modules(suite.__path__, f"{suite.__name__}."):
    import_module(_module.name)

HEAD = """
import pytest
from conformance.suite.check import check, not_run, not_applicable
from conformance.clusters.base import Feature
from conformance.common.errors import HarnessError
"""


class NodelessCluster(Cluster):
    """A provider without a node shell; nothing is ever started."""

    provider = "existing"
    name = "elsewhere"

    def start(self) -> None:
        raise HarnessError("https://10.0.0.1:6443 does not answer.", "Check --kubeconfig.")

    def delete(self) -> None:
        pass

    kubeconfig = node_address = registry = node_run = kill_node = restart_node = export_logs = None  # type: ignore[assignment]


PASSES = """
@check("auto_update.passes", promise="It holds.")
def test_passes(evidence):
    evidence.attach("seen.txt", "all well")
    evidence.measure("time to upgrade", 2.5)
"""


class RunChecks(Protocol):
    """Runs the checks of ``source`` with pytest's ``args``."""

    def __call__(self, source: str, *args: str) -> pytest.RunResult: ...


def runner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    monkeypatch.setattr(fixtures, "make_cluster", lambda *_: NodelessCluster())

    def run(source: str, *args: str) -> pytest.RunResult:
        pytester.makepyfile(**{"auto_update/test_auto_update": HEAD + source})
        return pytester.runpytest(*args)

    return run


def report(pytester: pytest.Pytester, link: str = "latest") -> dict[str, Any]:
    return json.loads((pytester.path / "reports" / link / "report.json").read_text())


def verdicts(pytester: pytest.Pytester, link: str = "latest") -> dict[str, str]:
    (capability,) = report(pytester, link)["capabilities"]
    return {c["id"].partition(".")[2]: c["verdict"] for c in capability["checks"]}


def checks(pytester: pytest.Pytester, run: str = "latest") -> dict[str, Any]:
    return {
        check["id"]: check
        for capability in report(pytester, run)["capabilities"]
        for check in capability["checks"]
    }


def evidence(pytester: pytest.Pytester, check: dict[str, Any], name: str) -> str:
    [path] = [one["path"] for one in check["evidence"] if one["name"] == name]
    return (pytester.path / "reports/latest" / path).read_text(encoding="utf-8")
