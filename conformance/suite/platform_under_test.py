"""The platform under test: whose it is, what it is called, and what checks may do to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from conformance.report.platform import Features, Implementation, JudgedPlatform, Whose
from conformance.suite.check import Touches

if TYPE_CHECKING:
    from conformance.platform.description import Platform


@dataclass(frozen=True)
class PlatformUnderTest:
    """A Stackspin that is judged, and what was allowed on it."""

    whose: Whose
    description: Platform
    allow: Iterable[str] = ()
    """What ``--allow`` names."""
    origin: str = ""
    """Of a tree: where it is from, and whether that is what was committed."""

    @property
    def allowed(self) -> tuple[Touches, ...]:
        """What checks may touch: everything, unless the suite found the platform installed."""
        everything: tuple[Touches, ...] = get_args(Touches)
        if self.whose is not Whose.INSTALLED:
            return everything
        return tuple(one for one in everything if one == "own" or one in self.allow)

    def describe(self) -> JudgedPlatform:
        """Return it as the report has it."""
        said = self.description
        return JudgedPlatform(
            whose=self.whose,
            origin=self.origin,
            implementation=Implementation(**said.implementation.model_dump()),
            features=Features(claimed=[*map(str, said.features)], exempt=dict(said.exempt)),
            allowed=[*self.allowed],
        )
