"""Flux can build the folder of a Kustomization."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule


@rule("kustomization.resources", level=1)
def resources(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield what kustomize would stop at, in the app's folders and in those that lead to them."""
    for kustomization in app.kustomizations:
        yield from kustomization.problems
    yield from app.above
