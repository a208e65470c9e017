"""What a check can need of an app, and what it means where an app has it not."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.apps.package.model.description import Description


class Ability(enum.Enum):
    """What only some apps can do; each is a key of ``conformance.yaml`` and of its ``without``."""

    DATA = "data"
    LOGIN = "login"


_UNKNOWN = {
    Ability.DATA: "its data: add data (seed and verify), or without: data",
    Ability.LOGIN: "a login: add login, or without: login",
}


@dataclass(frozen=True)
class Lack:
    """Why a check that needs an ability says nothing about an app."""

    by_nature: bool
    """Whether the app cannot have it, so that the check does not apply; else nobody knows."""
    reason: str


def lack_of(ability: Ability, description: Description) -> Lack | None:
    """Return why an app has not this ability; None if its description says how it has."""
    if getattr(description, ability.value) is not None:
        return None
    if why := getattr(description.without, ability.value):
        return Lack(True, f"the app has no {ability.value}: {why}")
    return Lack(False, f"conformance.yaml says nothing of {_UNKNOWN[ability]}")
