"""What a twin has a check do instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from conformance.suite.twins import Twin


class Told(Protocol):
    """Returns what the twin has its check do instead; ``otherwise`` in a normal run."""

    def __call__(self, name: str, otherwise: str = "") -> str:
        """Return the twin's setting ``name``."""


@pytest.fixture
def told(twin: Twin | None) -> Told:
    """What the twin has its check do instead: ``told("password", otherwise="wrong")``."""
    settings: Mapping[str, str] = twin.settings if twin else {}

    def tell(name: str, otherwise: str = "") -> str:
        return settings.get(name, otherwise)

    return tell
