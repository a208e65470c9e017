"""The platform under test, as reports have it."""

from __future__ import annotations

import enum

from pydantic import Field

from conformance.report.base import Model


class Whose(enum.StrEnum):
    """How the platform came to its cluster."""

    REFERENCE = "reference"
    """The suite brought it along, and installed it."""
    TREE = "tree"
    """The suite installed it from a maintainer's flux2 tree."""
    INSTALLED = "installed"
    """It was there."""


class Implementation(Model):
    """Whose platform it is."""

    organization: str
    project: str
    version: str
    url: str = ""
    contact: list[str] = Field(default_factory=list)


class Features(Model):
    """What of that which not every Stackspin can the platform can."""

    claimed: list[str] = Field(default_factory=list)
    exempt: dict[str, str] = Field(
        default_factory=dict,
        description="A feature that is not claimed, or a check that is not to count, and why.",
    )
    tried: list[str] = Field(
        default_factory=list, description="Those of which a check passed or failed in this run."
    )


class JudgedPlatform(Model):
    """The platform under test."""

    whose: Whose
    origin: str = Field(
        default="",
        description="Of a tree: repository, commit, and whether it had files not committed.",
    )
    implementation: Implementation
    features: Features = Field(default_factory=Features)
    allowed: list[str] = Field(
        default_factory=list,
        description="What checks might touch: own (what they made), platform, node.",
    )

    @property
    def is_reference(self) -> bool:
        """Whether it is the one that the suite brings along."""
        return self.whose is Whose.REFERENCE

    @property
    def name(self) -> str:
        """What to call it in one line."""
        who = self.implementation
        return f"{who.project} {who.version} of {who.organization}"
