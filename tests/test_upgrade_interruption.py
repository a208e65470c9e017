"""The node that is killed in the midst of an upgrade, as far as that needs no cluster."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.capabilities.platform_upgrade import interruption
from conformance.capabilities.platform_upgrade.interruption import (
    kill_node_mid_upgrade,
    wait_until_running,
)
from conformance.common.timeouts import Timeouts


def test_the_node_is_killed_once_the_first_upgrade_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    flux = SimpleNamespace(source="stackspin", reconcile=lambda *what: done.append(f"ask {what}"))
    site: Any = SimpleNamespace(
        kube=SimpleNamespace(timeouts=Timeouts()),
        stack=SimpleNamespace(clients=SimpleNamespace(flux=lambda: flux)),
        cluster=SimpleNamespace(
            kill_node=lambda: done.append("kill"), restart_node=lambda: done.append("start")
        ),
    )

    def wait_each(_: object, which: Any, condition: Any, **__: object) -> None:
        assert "status=pending-upgrade" in which.labels
        assert condition.test({})
        done.append("seen")

    monkeypatch.setattr(interruption, "wait_each", wait_each)
    assert time.time() - kill_node_mid_upgrade(site) < 5
    assert done == ["ask ('GitRepository', 'stackspin')", "seen", "kill", "start"]


@pytest.mark.parametrize(
    ("started", "phase", "runs"),
    [
        ("2026-11-30T00:00:05Z", "Running", True),
        ("2026-11-29T23:59:55Z", "Running", False),
        ("2026-11-29T23:59:55Z", "Failed", True),
    ],
)
def test_a_pod_counts_that_was_started_after_the_kill_or_has_ended(
    monkeypatch: pytest.MonkeyPatch, started: str, phase: str, runs: bool
) -> None:
    pod = {
        "metadata": {"name": "notes"},
        "status": {
            "phase": phase,
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"state": {"running": {"startedAt": started}}}],
        },
    }
    found: list[bool] = []

    def wait_each(_: object, __: object, condition: Any, **___: object) -> None:
        found.append(condition.test(pod))

    monkeypatch.setattr(interruption, "wait_each", wait_each)
    kube: Any = SimpleNamespace(timeouts=Timeouts())
    wait_until_running(kube, 1795996800.0)  # 2026-11-30T00:00:00Z
    assert found == [runs]
