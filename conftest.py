"""Only what pytest needs in the root folder; everything else is in conformance/plugin.py."""

from __future__ import annotations

pytest_plugins = ["pytester"]
