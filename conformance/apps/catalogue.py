"""The apps that checks run on, by name."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.apps.base import App
from conformance.apps.notes import Notes
from conformance.apps.wordpress import WordPress

APPS: Mapping[str, App] = {app.name: app for app in (Notes(), WordPress())}
