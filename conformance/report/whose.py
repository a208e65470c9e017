"""Whose the platform under test is."""

from __future__ import annotations

import enum


class Whose(enum.StrEnum):
    """How the platform came to its cluster."""

    REFERENCE = "reference"
    """The suite brought it along, and installed it."""
    TREE = "tree"
    """The suite installed it from a maintainer's flux2 tree."""
    INSTALLED = "installed"
    """It was there."""
