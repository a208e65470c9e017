"""Reports for the tests of what is made of them."""

from __future__ import annotations

from datetime import UTC, datetime

from conformance.report.environment import ClusterInfo, Component, Host
from conformance.report.level import Level
from conformance.report.model import RunReport
from conformance.report.platform import Features, Implementation, JudgedPlatform, Whose
from conformance.report.results import CheckResult, Phases, summarise
from conformance.report.verdict import Verdict


def a_check(
    capability: str, number: int, verdict: Verdict = Verdict.PASS, **more: object
) -> CheckResult:
    reason = "" if verdict is Verdict.PASS else f"reason of {number}"
    values: dict[str, object] = {
        "id": f"{capability}.promise_{number}",
        "node_id": f"conformance/capabilities/test_{capability}.py::test_promise_{number}",
        "level": Level.CORE,
        "promise": "Data on a persistent volume outlives the pod that wrote it.",
        "verdict": verdict,
        "reason": reason,
        "seconds": 4.2,
        "phases": Phases(setup=1.1, call=3.0, teardown=0.1),
        **more,
    }
    return CheckResult.model_validate(values)


def a_platform(whose: Whose = Whose.INSTALLED) -> JudgedPlatform:
    return JudgedPlatform(
        whose=whose,
        implementation=Implementation(
            organization="Example Co-operative",
            project="annex",
            version="v2.7",
            url="https://annex.example.org",
            contact=["admins@annex.example.org"],
        ),
        features=Features(
            claimed=["retained_volumes"], exempt={"second_factor": "Passwords are enough."}
        ),
        allowed=["own"] if whose is Whose.INSTALLED else ["own", "platform", "node"],
    )


def a_report(checks: dict[str, list[CheckResult]], **more: object) -> RunReport:
    values: dict[str, object] = {
        "suite_version": "0.1.0",
        "run_id": "k3f9ab",
        "state": "complete",
        "started_at": datetime(2026, 11, 23, 21, 0, tzinfo=UTC),
        "written_at": datetime(2026, 11, 23, 21, 5, 12, tzinfo=UTC),
        "seconds": 312.5,
        "command": ["pytest", "conformance/capabilities", "--cluster=embedded"],
        "host": Host(
            system="Debian GNU/Linux 12 (bookworm)", kernel="6.18.0", cpus=2,
            memory_bytes=24 * 2**30, cgroups="v1", root=True, python="3.11.2",
        ),
        "cluster": ClusterInfo(
            provider="embedded", choice="no Docker engine answers", name="stackspin",
            kubernetes="v1.36.3", container_runtime="containerd://2.4.2", nodes=1,
            node_system="Debian GNU/Linux 12 (bookworm), Linux 6.18.0",
        ),
        "settings": {"domain": "stackspin.test", "keepCluster": False},
        "components": [
            Component(name="kubernetes", version="v1.36.3", origin="built"),
            Component(
                name="traefik", version="3.7.15", origin="substitute",
                note="in place of ingress-nginx",
            ),
        ],
        "capabilities": [summarise(name, found) for name, found in checks.items()],
        **more,
    }  # fmt: skip
    return RunReport.model_validate(values)
