"""What people write is shown as text, wherever it is shown."""

from __future__ import annotations

from typing import Any

import pytest
from dashboard_answers import APPS, OTHER, OVERRIDE, SCRIPT, VELERO, identity, log_in, release
from dashboard_pages import get, post
from dashboard_services import Services

HOSTILE = f"Eve'\"></title></textarea>{SCRIPT}"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/users",
        "/users/new",
        f"/users/{OTHER}",
        "/apps/notes",
        "/backups",
        "/backups/notes-x/restore",
    ],
)
def test_what_people_write_is_text_on_every_page(
    browser: Any, services: Services, path: str
) -> None:
    log_in(services, {"dashboard": "admin"}, name=HOSTILE)
    hostile_texts(services)
    page = get(browser, path)
    assert page.status_code == 200
    assert_is_text(page)


@pytest.mark.parametrize("action", ["roles", "disable", "enable", "invite"])
def test_what_people_write_is_text_in_messages(
    browser: Any, services: Services, action: str
) -> None:
    log_in(services, {"dashboard": "admin"})
    hostile_texts(services)
    recovery = {"recovery_link": "https://a", "recovery_code": "1"}
    services.answers["POST /kratos/admin/recovery/code"] = (200, recovery)
    page = f"/users/{OTHER}"
    post(browser, page, page, action=action)
    answer = get(browser, page)
    assert 'class="message' in answer.text
    assert_is_text(answer)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/users/new", {"email": HOSTILE, "name": HOSTILE, "role-notes": HOSTILE}),
        ("/apps/notes", {"action": "configure", "configmap-values": f"{HOSTILE}: [unclosed"}),
        ("/apps/notes", {"action": "configure-secret", "secret-values": f"[{HOSTILE}"}),
    ],
)
def test_what_is_refused_comes_back_as_text(
    browser: Any, services: Services, path: str, sent: dict[str, str]
) -> None:
    log_in(services, {"dashboard": "admin"})
    hostile_texts(services)
    answer = post(browser, path, path, **sent)
    assert answer.status_code == 422
    assert_is_text(answer)


def hostile_texts(services: Services) -> None:
    """Have every text that the dashboard is told of somebody or something begin a script."""
    someone = {**identity({HOSTILE: HOSTILE}, name=HOSTILE), "id": OTHER}
    someone["traits"]["email"] = HOSTILE
    services.answers["GET /kratos/admin/identities"] = (200, [someone])
    for method in ("GET", "PATCH"):
        services.answers[f"{method} /kratos/admin/identities/{OTHER}"] = (200, someone)
    services.answers["GET /hydra/admin/oauth2/auth/sessions/consent"] = (200, [])
    failing = release("notes", status="False", message=HOSTILE)
    failing["status"]["history"] = [{"chartVersion": HOSTILE, "appVersion": HOSTILE}]
    services.answers[f"GET {APPS}"] = (200, {"items": [failing]})
    services.answers[f"GET {APPS}/notes"] = (200, failing)
    services.answers[f"GET {OVERRIDE}"] = (200, {"data": {"values.yaml": HOSTILE}})
    named = {"name": "notes-x", "creationTimestamp": "2026-01-01T00:00:00Z"}
    status = {"phase": HOSTILE, "failureReason": HOSTILE, "message": HOSTILE}
    spec = {
        "labelSelector": {"matchLabels": {"stackspin.net/backupSet": HOSTILE}},
        "backupName": HOSTILE,
        "objectStorage": {"bucket": HOSTILE},
    }
    item = {"metadata": named, "spec": spec, "status": status}
    for kind in ("backups", "restores", "backupstoragelocations"):
        services.answers[f"GET {VELERO}/{kind}"] = (200, {"items": [item]})
    services.answers[f"GET {VELERO}/backups/notes-x"] = (200, item)


def assert_is_text(page: Any) -> None:
    """Raise unless the page shows the hostile text, and none of it as HTML."""
    assert SCRIPT not in page.text
    assert "Eve'" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
