"""A kustomization.yaml names every object in its folder."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule


@rule("kustomization.unlisted", level=2, severity=Severity.WARNING)
def unlisted(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each object that is left out."""
    for one in app.unlisted:
        yield Problem(
            one.place(),
            f"{one.kind} {one.name} is not applied: the kustomization.yaml in its folder does not"
            " name this file",
        )
