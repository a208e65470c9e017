"""How much a check asks of a platform."""

from __future__ import annotations

import enum


class Level(enum.StrEnum):
    """How much of a platform must have it: every one (core), or one that claims it (extended)."""

    CORE = "core"
    EXTENDED = "extended"
