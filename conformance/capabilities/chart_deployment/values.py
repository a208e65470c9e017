"""The operator's values.yaml."""

from __future__ import annotations

from typing import Any

Values = dict[str, Any]
TITLE = "Title of the conformance suite"
"""The app's title in it."""
