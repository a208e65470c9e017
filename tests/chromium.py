"""What tests with a browser have in common."""

from __future__ import annotations

from pathlib import Path


class NothingKept:
    """Evidence of a visitor's that nobody needs."""

    def attach(self, name: str, content: object) -> Path:  # noqa: ARG002
        return Path(name)

    screenshot = attach
