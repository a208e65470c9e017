"""What the auto-update checks commit, and in which versions that leaves an app."""

from __future__ import annotations

from pathlib import Path

from conformance.apps.flux_package import commits_in

COMMITS = commits_in(Path(__file__).with_name("commits.yaml"))
VERSION_1 = ("1.0.0", 1)
"""Version of the app, and schema of its data."""
VERSION_2 = ("2.0.0", 2)
UPGRADE_TIMEOUT = 60
"""Seconds after which the apps' releases count an upgrade as failed. A good one takes 8 on an idle
machine; nobody waits for the bad ones, as other checks go on meanwhile."""
SPECIAL_NAME = """Zoë's "Café" & $HOME, ${domain} {100 %} ☕ #1 \\o/"""
"""The organisation's name in the commit special_values, as users should see it."""
