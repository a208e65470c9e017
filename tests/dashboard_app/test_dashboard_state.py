"""The state of an app, as Flux tells it."""

from __future__ import annotations

from typing import Any

import pytest
from dashboard_answers import APPS, log_in, release
from dashboard_pages import get, state_on
from dashboard_services import Services

NOT_FETCHED = "HelmChart 'a/b' is not ready: latest generation of object has not been reconciled"
NO_CHART = "HelmChart 'a/b' is not ready: chart not found: no such file or directory"
UNKNOWN = {"status": "Unknown", "reason": "Progressing", "message": "Running 'install' action"}
FIRST = {"history": ()}


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("Ready", {}),
        # Flux looks every few minutes whether there is something to do.
        ("Ready", {"reconciling": "Progressing"}),
        ("Installing", {**UNKNOWN, **FIRST, "reconciling": "Progressing"}),
        ("Installing", {**FIRST, "status": "False", "reason": "SourceNotReady"}),
        ("Updating", {**UNKNOWN, "reconciling": "Progressing"}),
        ("Updating", {**UNKNOWN, "history": ("failed", "superseded"), "reconciling": "x"}),
        ("Updating", {"status": "False", "reason": "SourceNotReady", "reconciling": "Progressing"}),
        # Of an earlier generation: nobody has looked at the last change yet.
        ("Updating", {"observedGeneration": 1}),
        ("Updating", {"observedGeneration": 1, "status": "False", "stalled": "RetriesExceeded"}),
        ("Waiting", {**FIRST, "status": "False", "reason": "DependencyNotReady"}),
        ("Failing", {**FIRST, "status": "False", "reconciling": "ProgressingWithRetry"}),
        ("Failing", {"status": "False", "reason": "UpgradeFailed", "reconciling": "Progressing"}),
        ("Failed", {"status": "False", "reason": "InstallFailed", "stalled": "RetriesExceeded"}),
        ("Failed", {"status": "False", "reason": "ArtifactFailed"}),
    ],
)
def test_state_is_what_flux_says(
    browser: Any, services: Services, state: str, found: dict[str, Any]
) -> None:
    log_in(services, {"dashboard": "admin"})
    if found.get("reason") == "SourceNotReady":
        found = {**found, "message": NOT_FETCHED}
    services.answers[f"GET {APPS}"] = (200, {"items": [release("notes", **found)]})
    services.answers[f"GET {APPS}/notes"] = (200, release("notes", **found))
    assert state_on(get(browser, "/").text) == state
    assert state_on(get(browser, "/apps/notes").text) == state


def test_a_release_without_a_status_is_being_installed(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    new = {**release("notes"), "status": {}}
    services.answers[f"GET {APPS}"] = (200, {"items": [new]})
    assert state_on(get(browser, "/").text) == "Installing"


def test_a_chart_that_cannot_be_fetched_is_failing(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    without = {"status": "False", "reason": "SourceNotReady", "message": NO_CHART}
    broken = release("notes", history=(), reconciling="Progressing", **without)
    services.answers[f"GET {APPS}"] = (200, {"items": [broken]})
    page = get(browser, "/").text
    assert state_on(page) == "Failing"
    assert "no such file or directory" in page


def test_another_attempt_does_not_hide_the_failure(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    again = release("notes", history=("failed",), reconciling="Progressing", **UNKNOWN)
    again["status"]["failures"] = 1
    released = {"type": "Released", "status": "False", "message": "no pod became ready"}
    again["status"]["conditions"].append(released)
    services.answers[f"GET {APPS}"] = (200, {"items": [again]})
    page = get(browser, "/").text
    assert state_on(page) == "Failing"
    assert "no pod became ready" in page


def test_after_a_rollback_the_page_says_why(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    done = {"status": "False", "reason": "RollbackSucceeded", "message": "Helm rollback succeeded"}
    back = release("notes", stalled="RetriesExceeded", **done)
    released = {"type": "Released", "status": "False", "message": "no pod became ready"}
    back["status"]["conditions"].append(released)
    services.answers[f"GET {APPS}"] = (200, {"items": [back]})
    page = get(browser, "/").text
    assert state_on(page) == "Failed"
    assert "no pod became ready" in page
    assert "rollback succeeded" not in page


def test_a_suspended_app_is_not_said_to_fail(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    paused = release("notes", status="False", message="no chart", observedGeneration=1)
    paused["spec"] = {"suspend": True}
    services.answers[f"GET {APPS}"] = (200, {"items": [paused]})
    page = get(browser, "/").text
    assert state_on(page) == "Suspended"
    assert "no chart" in page
