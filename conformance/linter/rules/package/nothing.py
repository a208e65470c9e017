"""The package has an app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Place, Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


NOTHING = "nothing"
"""What a folder without any app is detected as."""


@rule("package.nothing", level=1)
def nothing(app: AppPackage) -> Iterator[Problem]:
    """Yield one problem for what holds no app at all."""
    if app.detected != NOTHING or app.problems:
        return
    if app.unseen:
        yield Problem(
            Place(),
            f"no app found here, but not all is here: {app.unseen[0]}",
            "Give a folder that has what it names, too.",
        )
    else:
        yield Problem(
            Place(),
            "no app found here: neither a chart (Chart.yaml), nor a HelmRelease, a Deployment or "
            "another object that installs something",
        )
