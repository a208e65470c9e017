"""A Kustomization applies the app."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import Problem, Severity
from conformance.linter.pods import WORKLOADS
from conformance.linter.rule import rule
from conformance.linter.rules.kustomization.shared import KUSTOMIZATION

_INSTALLS = frozenset({"HelmRelease", *WORKLOADS})


@rule(
    "kustomization.applied",
    "A Kustomization applies the app",
    level=1,
    severity=Severity.WARNING,
    why="Flux applies what Kustomizations lead to. An app beside the others that none leads to is "
    "never installed, and nobody gets a message.",
    source=f"{KUSTOMIZATION}#path",
    fix="Add a Kustomization whose spec.path is the app's folder, and name it where the other apps "
    "are named.",
    example="""
kind: Kustomization
metadata:
  name: notes
spec:
  path: ./flux2/apps/notes
""",
)
def applied(app: AppPackage) -> Iterator[Problem]:
    """Yield what nothing of the tree applies, where others are applied; of an app one problem."""
    if app.unapplied:
        first = next((one for one in app.written if one.kind in _INSTALLS), app.written[0])
        yield Problem(
            first.place(), f"no Kustomization of the tree leads to {first.kind} {first.name}"
        )
    for one in app.idle:
        yield Problem(one.place(), f"no Kustomization of the tree leads to {one.kind} {one.name}")
