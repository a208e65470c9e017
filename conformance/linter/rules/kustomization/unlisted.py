"""A kustomization.yaml names every object in its folder."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.kustomization.shared import KUSTOMIZATION


@rule(
    "kustomization.unlisted",
    "A kustomization.yaml names every object in its folder",
    level=2,
    severity=Severity.WARNING,
    why="In a folder with a kustomization.yaml, Flux applies only the files named there: a "
    "forgotten file is not in the cluster, and nobody gets a message.",
    source=f"{KUSTOMIZATION}#generating-a-kustomizationyaml-file",
    fix="Add the file to resources of the kustomization.yaml in its folder, or delete it.",
    example="""
resources:
  - release.yaml
  - pvc.yaml
""",
)
def unlisted(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each object that is left out."""
    for one in app.unlisted:
        yield Problem(
            one.place(),
            f"{one.kind} {one.name} is not applied: the kustomization.yaml in its folder does not"
            " name this file",
        )
