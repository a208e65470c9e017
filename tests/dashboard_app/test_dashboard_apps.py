"""Apps: who sees which, in which state, and what administrators change."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from dashboard_answers import APPS, OTHER, OVERRIDE, SCRIPT, identity, log_in, release, velero_with
from dashboard_pages import get, post, state_on
from dashboard_services import Services

from conformance.common.settings import PROJECT_ROOT


def test_apps_are_those_with_a_role(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    page = get(browser, "/").text
    assert 'href="https://notes.stackspin.test/"' in page
    assert "Manage" not in page
    log_in(services, {"wordpress": "user"})
    assert "notes.stackspin.test" not in get(browser, "/").text


def test_administrators_see_what_fails(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    failing = release("notes", status="False", message=f"no chart {SCRIPT}")
    services.answers[f"GET {APPS}"] = (200, {"items": [failing]})
    page = get(browser, "/").text
    assert state_on(page) == "Failed"
    assert "no chart &lt;script&gt;" in page
    assert 'id="service-hydra"' in page


def test_apps_have_the_title_that_their_package_gives(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    found = [release("blog", title="WordPress"), release("my-app")]
    services.answers[f"GET {APPS}"] = (200, {"items": found})
    services.answers[f"GET {APPS}/blog"] = (200, found[0])
    someone = {**identity({"blog": "user", "dashboard": "admin"}), "id": OTHER}
    services.answers["GET /kratos/admin/identities"] = (200, [someone])
    velero_with(services, [])
    page = get(browser, "/").text
    assert re.findall(r"<h2>([^<]+)</h2>", page) == [
        "my-app",
        "WordPress",
        "Services of the platform",
    ]
    assert "<h1>WordPress</h1>" in get(browser, "/apps/blog").text
    assert '<label for="id_role-blog">WordPress</label>' in get(browser, "/users/new").text
    assert "WordPress: user" in get(browser, "/users").text
    assert "Dashboard: admin" in get(browser, "/users").text
    assert '<option value="blog">WordPress</option>' in get(browser, "/backups").text


@pytest.mark.parametrize("app", ["notes", "wordpress"])
def test_packages_of_the_suite_have_titles(app: str) -> None:
    path = PROJECT_ROOT / "fixtures" / "flux2" / "apps" / app
    [client] = yaml.safe_load_all((path / "oauth2-client.yaml").read_text(encoding="utf-8"))
    [package] = yaml.safe_load_all((path / "release.yaml").read_text(encoding="utf-8"))
    # One name on the dashboard and where people log in.
    title = package["metadata"]["annotations"]["stackspin.net/title"]
    assert title == client["spec"]["clientName"]


def test_suspend_and_resume(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    services.answers[f"PATCH {APPS}/notes"] = (200, {})
    post(browser, "/apps/notes", "/apps/notes", action="suspend")
    post(browser, "/apps/notes", "/apps/notes", action="resume")
    suspended, resumed = services.told("PATCH", f"{APPS}/notes")
    assert suspended == {"spec": {"suspend": True}}
    assert resumed["spec"] == {"suspend": False}
    assert "reconcile.fluxcd.io/requestedAt" in resumed["metadata"]["annotations"]
    assert services.asked[-1].headers["Authorization"] == "Bearer token-of-the-dashboard"


def test_configuration_is_applied_and_reconciled(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    services.answers[f"PATCH {OVERRIDE}"] = services.answers[f"PATCH {APPS}/notes"] = (200, {})
    values = {"action": "configure", "configmap-values": "title: Über\r\n"}
    answer = post(browser, "/apps/notes", "/apps/notes", **values)
    assert answer.status_code == 302
    [applied] = services.told("PATCH", OVERRIDE)
    assert applied["data"] == {"values.yaml": "title: Über\n"}
    assert len(services.told("PATCH", f"{APPS}/notes")) == 1


@pytest.mark.parametrize("values", ["title: [", "- a", "text", "a: b: c"])
def test_what_is_no_mapping_is_not_saved(browser: Any, services: Services, values: str) -> None:
    log_in(services, {"dashboard": "admin"})
    sent = {"action": "configure", "configmap-values": values}
    answer = post(browser, "/apps/notes", "/apps/notes", **sent)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert services.told("PATCH", OVERRIDE) == []


def test_secret_values_are_written_and_never_read(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    secret = OVERRIDE.replace("configmaps", "secrets")
    services.answers[f"PATCH {secret}"] = services.answers[f"PATCH {APPS}/notes"] = (200, {})
    sent = {"action": "configure-secret", "secret-values": "a: 1"}
    post(browser, "/apps/notes", "/apps/notes", **sent)
    [applied] = services.told("PATCH", secret)
    assert applied["stringData"] == {"values.yaml": "a: 1"}
    assert not services.told("GET", secret)
