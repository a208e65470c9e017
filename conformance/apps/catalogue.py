"""The apps that checks run on, by name."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.apps.base import App
from conformance.apps.notes import Notes
from conformance.apps.wordpress import WordPress

NOTES: App = Notes()
WORDPRESS: App = WordPress()
"""Nobody here wrote it, nor its login (mod_auth_openidc)."""
APPS: Mapping[str, App] = {app.name: app for app in (NOTES, WORDPRESS)}
