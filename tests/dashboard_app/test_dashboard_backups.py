"""Backups: made and restored by Velero."""

from __future__ import annotations

from typing import Any

from dashboard_answers import BACKUP, VELERO, log_in, velero_with
from dashboard_pages import get, post
from dashboard_services import Services


def test_backups_without_velero_are_explained(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    assert "Velero is not installed" in get(browser, "/backups").text


def test_backup_and_restore(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    velero_with(services, [BACKUP])
    made = {"metadata": {"name": "made"}}
    for kind in ("backups", "restores"):
        services.answers[f"POST {VELERO}/{kind}"] = (201, made)
    assert "notes-x" in get(browser, "/backups").text
    post(browser, "/backups", "/backups", app="notes")
    [started] = services.told("POST", f"{VELERO}/backups")
    assert started["spec"]["labelSelector"]["matchLabels"] == {"stackspin.net/backupSet": "notes"}
    post(browser, "/backups/notes-x/restore", "/backups/notes-x/restore")
    [restored] = services.told("POST", f"{VELERO}/restores")
    assert restored["spec"] == {"backupName": "notes-x"}
