"""What discovery has found: values of a description, each with how it was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from conformance.platform.description import Platform

NOT_GIVEN = "not given"


@dataclass(frozen=True)
class Found:
    """A value of a description."""

    value: Any
    """A text, a list of texts, or a mapping that is written on one line."""
    how: str
    """By what it was found, for the reader of the file."""


@dataclass
class Findings:
    """The values found on a cluster, and what was not found."""

    found: dict[str, Found] = field(default_factory=dict)
    """Key of the description, as ``backup.location`` -> what was found."""
    missing: dict[str, str] = field(default_factory=dict)
    """Key -> why nothing was found."""
    remarks: list[str] = field(default_factory=list)
    """What else there is to know."""

    def put(self, key: str, value: Any, how: str) -> None:  # noqa: ANN401 - see Found.value
        """Note a value."""
        self.found[key] = Found(value, how)

    def miss(self, key: str, why: str) -> None:
        """Note that a value was not found."""
        self.missing[key] = why

    def value(self, key: str) -> Any:  # noqa: ANN401 - see Found.value
        """Return a value; None: it was not found."""
        found = self.found.get(key)
        return found.value if found else None

    def tree(self) -> dict[str, Any]:
        """Return all values as a description has them, in its order."""
        tree: dict[str, Any] = {}
        for key, found in self.found.items():
            *folders, name = key.split(".")
            place = tree
            for folder in folders:
                place = place.setdefault(folder, {})
            place[name] = found.value
        keys = (each.alias or name for name, each in Platform.model_fields.items())
        return {key: tree[key] for key in keys if key in tree}

    def platform(self) -> Platform:
        """Return the platform that was found; whose it is, nobody has said.

        Raises pydantic's ``ValidationError`` where something is missing that there must be.
        """
        whose = dict.fromkeys(("organization", "project", "version"), NOT_GIVEN)
        return Platform.model_validate({**self.tree(), "implementation": whose})
