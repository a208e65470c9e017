"""Everybody can read and use each page of the dashboard: WCAG AA, by axe-core in Chromium."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from axe_pages import violations
from dashboard_answers import (
    APPS,
    BACKUP,
    OTHER,
    OVERRIDE,
    asks_consent,
    identity,
    log_in,
    release,
    velero_with,
)
from dashboard_pages import get
from dashboard_services import Services

from conformance.services.visitor import Visitor

pytestmark = pytest.mark.root
QR_CODE = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def node(group: str, name: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    """A field or a button of a Kratos flow."""
    attributes = {"name": name, "type": kind, "value": "", **more}
    return {"group": group, "type": "input", "attributes": attributes, "messages": [], "meta": {}}


def shown(group: str, kind: str, **attributes: Any) -> dict[str, Any]:
    return {"group": group, "type": kind, "attributes": attributes, "messages": [], "meta": {}}


WRONG = {"id": 4000006, "type": "error", "text": "wrong"}
CODES = {"secrets": [{"text": "abcd1234"}, {"text": "", "context": {"used_at": "2026-01-01"}}]}
FLOWS = {
    "login": [
        node("default", "csrf_token", "hidden"),
        {**node("default", "identifier"), "messages": [WRONG]},
        node("password", "password", "password"),
        node("password", "method", "submit", value="password"),
    ],
    "recovery": [node("code", "email", "email"), node("code", "method", "submit")],
    "settings": [
        node("profile", "traits.email", "email", value="ada@stackspin.test"),
        node("profile", "traits.name", value="Ada"),
        node("profile", "method", "submit"),
        node("password", "password", "password"),
        node("password", "method", "submit"),
        shown("totp", "img", src=QR_CODE),
        shown("totp", "text", text={"text": "JBSWY3DP"}),
        node("totp", "totp_code"),
        node("totp", "method", "submit"),
        shown("lookup_secret", "text", text={"text": "", "context": CODES}),
        node("lookup_secret", "lookup_secret_disable", "submit"),
    ],
}


@pytest.fixture
def full(services: Services) -> Services:
    """An administrator of a platform on which something is in each state that has a colour."""
    log_in(services, {"dashboard": "admin"})
    answers = services.answers
    failing = release("blog", title="Blog", status="False", message="no chart", history=("failed",))
    suspended = {**release("wiki"), "spec": {"suspend": True}}
    apps = [release("notes"), failing, suspended, release("chat", status="Unknown", history=())]
    answers[f"GET {APPS}"] = (200, {"items": apps})
    answers[f"GET {OVERRIDE}"] = (200, {"data": {"values.yaml": "title: Notes"}})
    someone = {**identity({"notes": "user"}, state="inactive"), "id": OTHER}
    answers["GET /kratos/admin/identities"] = (200, [someone])
    answers[f"GET /kratos/admin/identities/{OTHER}"] = (200, someone)
    failed = {**BACKUP, "metadata": {**BACKUP["metadata"], "name": "notes-y"}}
    failed["status"] = {**BACKUP["status"], "phase": "PartiallyFailed", "errors": 2}
    restore = {**BACKUP, "spec": {"backupName": "notes-x"}}
    location = {"metadata": {"name": "default"}, "spec": {"default": True},
                "status": {"phase": "Unavailable", "message": "no such bucket"}}  # fmt: skip
    velero_with(services, [BACKUP, failed], (restore,), (location,))
    for kind, nodes in FLOWS.items():
        ui = {"action": "https://sso.stackspin.test/x", "nodes": nodes, "messages": [WRONG]}
        flow = {"id": "f", "state": "sent_email", "ui": ui}
        answers[f"GET /kratos/self-service/{kind}/flows"] = (200, flow)
    asks_consent(services)
    return services


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/apps/notes",
        "/users",
        "/users/new",
        f"/users/{OTHER}",
        "/backups",
        "/backups/notes-x/restore",
        "/web/settings?flow=f",
        "/web/recovery?flow=f",
        "/web/consent?consent_challenge=c",
        "/web/logged-out",
        "/nowhere",
    ],
)
def test_everybody_can_use_it(
    browser: Any, full: Services, reader: Visitor, tmp_path: Path, path: str
) -> None:
    del full
    look(browser, reader, tmp_path, path)


def test_everybody_can_log_in(
    browser: Any, full: Services, reader: Visitor, tmp_path: Path
) -> None:
    full.answers["GET /kratos/sessions/whoami"] = (401, {})
    look(browser, reader, tmp_path, "/web/login?flow=f")


def look(browser: Any, reader: Visitor, folder: Path, path: str) -> None:
    """Look at a page as the dashboard answers it, with its style sheet inside."""
    answer = get(browser, path)
    text = answer.text
    assert "<h1>" in text, f"{path} is no page: {answer.status_code} {dict(answer.headers)}"
    [address] = re.findall(r'<link rel="stylesheet" href="([^"]+)">', text)
    style = f"<style>{get(browser, address).text}</style>"
    file = folder / "page.html"
    file.write_text(re.sub(r'<link rel="stylesheet"[^>]+>', lambda _: style, text))
    reader.page.goto(file.as_uri())
    assert violations(reader.page) == []
