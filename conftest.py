"""What pytest accepts in the root folder alone; all else is in conformance/suite/plugin.py."""

from __future__ import annotations

pytest_plugins = ["pytester"]
