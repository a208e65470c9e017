"""A chart generates no new password at each upgrade."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("secrets.unstable-template", level=3)
def unstable_template(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each value that differs between two upgrades, once for all sets of values."""
    places = {place: None for one in app.installations for place in one.renewed}
    for place in places:
        yield Problem(place, "this value is another one after each upgrade")
    for why in dict.fromkeys(one.undecided for one in app.installations if one.undecided):
        yield NotRun(f"{why}: it is not known whether it makes new passwords")
    for reason in dict.fromkeys(one.chart_missing for one in app.releases if one.chart is None):
        yield NotRun(f"{reason}: it is not known whether it generates new passwords")
