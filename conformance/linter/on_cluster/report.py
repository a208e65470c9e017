"""The report of a run on a cluster: what its report.json says about the apps.

Its JSON schema is ``conformance/report/report.schema.json``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.common.errors import HarnessError
from conformance.linter.findings import Severity
from conformance.linter.on_cluster.promises import Promise
from conformance.linter.result import CheckResult, ClusterRun, Evidence

FILE = "report.json"
_THREE_DIGITS = 100


def read_run(folder: Path) -> ClusterRun:
    """Return what the report in a folder says of checks on apps.

    Raises HarnessError if there is no report that can be read.
    """
    file = folder / FILE
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
        return ClusterRun(
            _trouble(report),
            folder,
            _cluster(report["cluster"]),
            float(report["seconds"]),
            tuple(map(str, report["errors"])),
            tuple(_checks(report, folder)),
        )
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise HarnessError(
            f"{file} is not a report that can be read ({type(error).__name__})",
            "read the output of the run above",
        ) from None


def _trouble(report: Mapping[str, Any]) -> str:
    done, selected = report["checksDone"], report["checksSelected"]
    if report["state"] == "complete":
        return ""
    return f"the run ended after {done} of its {selected} checks"


def _cluster(cluster: Mapping[str, Any] | None) -> str:
    if cluster is None:
        return ""
    kubernetes = f", Kubernetes {cluster['kubernetes']}" if cluster["kubernetes"] else ""
    return f"{cluster['provider']}{kubernetes}"


def _checks(report: Mapping[str, Any], folder: Path) -> Iterator[CheckResult]:
    """Yield the results that decide on the level of an app."""
    for capability in report["capabilities"]:
        for found in capability["checks"]:
            if found["app"] is not None and found.get("appLevel") is not None:
                yield _check(found, folder)


def _check(found: Mapping[str, Any], folder: Path) -> CheckResult:
    check = Promise(found["id"], int(found["appLevel"]), Severity.ERROR, found["promise"])
    return CheckResult(
        found["app"],
        check,
        found["verdict"],
        found["reason"],
        float(found["seconds"]),
        tuple(_measured(found["measurements"])),
        tuple(
            Evidence(one["name"], folder / one["path"])
            for one in sorted(found["evidence"], key=_relevance)
        ),
        f"check-{hashlib.sha256(found['nodeId'].encode()).hexdigest()[:12]}",
        float(found["phases"]["setup"]),
    )


def _relevance(evidence: Mapping[str, Any]) -> tuple[bool, int]:
    """Return what puts a failure first and the node's own logs last."""
    name = evidence["name"]
    return name.startswith("node/"), name.count("/")


def _measured(measurements: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what was measured, without how busy the machine was meanwhile."""
    names = {one["name"] for one in measurements}
    for one in measurements:
        if one["name"].rpartition(": ")[0] not in names:
            yield f"{one['name']}: {_rounded(one['value'])} {one['unit']}"


def _rounded(value: float) -> str:
    """Return a measurement with as many digits as anybody reads."""
    return f"{value:.0f}" if abs(value) >= _THREE_DIGITS else f"{value:.3g}"
