"""Removing an app from the repository does not delete people's data."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule

PRUNE = "kustomize.toolkit.fluxcd.io/prune"


@rule("release.prune-data", level=3, severity=Severity.WARNING)
def prune_data(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim that a commit can delete."""
    for kustomization in app.kustomizations:
        if kustomization.manifest.get("spec", "prune") is not True:
            continue
        for one in kustomization.members:
            marks = (one.annotations.get(PRUNE), one.labels.get(PRUNE))
            if one.kind == "PersistentVolumeClaim" and "disabled" not in marks:
                yield Problem(
                    one.place("metadata"),
                    f"claim {one.name} and its data are deleted when the claim leaves the"
                    " repository",
                )
