"""What holds for every page of the dashboard."""

from __future__ import annotations

import re
from typing import Any

import pytest
from dashboard_answers import BACKUP, OTHER, PERSON, identity, log_in, velero_with
from dashboard_pages import get, post
from dashboard_services import Services


def test_headers_of_every_page(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    headers = get(browser, "/").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    cookie = browser.cookies["__Host-csrf"]
    assert (cookie["secure"], cookie["httponly"]) == (True, True)


def test_health_needs_neither_host_nor_tls(browser: Any) -> None:
    assert browser.get("/health", headers={"host": "10.1.2.3:8000"}).status_code == 200
    assert get(browser, "/").status_code == 302
    assert browser.get("/", headers={"host": "evil.test"}, secure=True).status_code == 400


@pytest.mark.parametrize(
    "path",
    ["/apps/notes", "/users", "/users/new", f"/users/{PERSON}", "/backups", "/backups/x/restore"],
)
def test_everybody_else_is_refused(browser: Any, services: Services, path: str) -> None:
    log_in(services, {"notes": "admin"})
    assert get(browser, path).status_code == 403
    assert post(browser, "/", path, action="suspend").status_code == 403
    writes = [one for one in services.asked if one.method not in ("GET", "HEAD")]
    assert writes == []


@pytest.mark.parametrize("path", ["/", "/users", "/backups"])
def test_each_cell_names_its_column(browser: Any, services: Services, path: str) -> None:
    """On a phone the head of a table is out of sight; the style sheet shows these names."""
    log_in(services, {"dashboard": "admin"})
    someone = {**identity({"notes": "user"}), "id": OTHER}
    services.answers["GET /kratos/admin/identities"] = (200, [someone])
    restore = {**BACKUP, "spec": {"backupName": "notes-x"}}
    location = {"metadata": {"name": "default"}, "spec": {}, "status": {"phase": "Available"}}
    velero_with(services, [BACKUP], (restore,), (location,))
    tables = re.findall(r"(?s)<table>(.*?)</table>", get(browser, path).text)
    assert tables
    for table in tables:
        _, *heads = re.findall(r'<th scope="col">(.*?)</th>', table)
        columns = [head for head in heads if "Actions" not in head]
        cells = re.findall(r'<td(?: class="why")? data-label="([^"]+)"', table)
        assert cells == columns
    style = get(browser, re.search(r"/static/style\S+?css", get(browser, path).text)[0])
    assert "content: attr(data-label)" in style.text


def test_a_service_that_is_away_is_said_so(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    services.answers["GET /kratos/admin/identities"] = (500, {})
    page = get(browser, "/users")
    assert page.status_code == 503
    assert "does not answer" in page.text


def test_cookies_of_the_services_stay_with_nobody(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    get(browser, "/")
    get(browser, "/")
    assert not any("somebody" in one.headers.get("Cookie", "") for one in services.asked)
    assert "somebody" not in browser.cookies
