"""A Kustomization applies the app."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import Problem, Severity
from conformance.linter.pods import WORKLOADS
from conformance.linter.rule import rule

_INSTALLS = frozenset({"HelmRelease", *WORKLOADS})


@rule("kustomization.applied", level=1, severity=Severity.WARNING)
def applied(app: AppPackage) -> Iterator[Problem]:
    """Yield what nothing of the tree applies, where others are applied; of an app one problem."""
    if app.unapplied:
        first = next((one for one in app.written if one.kind in _INSTALLS), app.written[0])
        yield Problem(
            first.place(), f"no Kustomization of the tree leads to {first.kind} {first.name}"
        )
    for one in app.idle:
        yield Problem(one.place(), f"no Kustomization of the tree leads to {one.kind} {one.name}")
