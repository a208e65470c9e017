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


@rule(
    "package.nothing",
    "The package has an app",
    level=1,
    why="Stackspin installs an app from a Helm chart, or from objects that Flux applies. A folder "
    "without either installs nothing, and nobody gets a message about it.",
    source="Stackspin",
    fix="Name the folder that holds the app: its Chart.yaml, or its Kustomization and HelmRelease.",
    example="""
# apps/notes/notes-release.yaml
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: notes
  namespace: flux-system
""",
)
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
