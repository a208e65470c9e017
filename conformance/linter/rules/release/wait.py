"""The Kustomization of an app waits until the app is ready, and deletes what was removed."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule


@rule("release.wait", level=2, severity=Severity.WARNING)
def wait(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Kustomization of a HelmRelease without them."""
    for kustomization in app.kustomizations:
        if not any(one.kind == "HelmRelease" for one in kustomization.members):
            continue
        manifest = kustomization.manifest
        if manifest.get("spec", "wait") is not True and not manifest.get("spec", "healthChecks"):
            yield Problem(
                manifest.place("spec"), f"Kustomization {manifest.name} does not wait for the app"
            )
        if manifest.get("spec", "prune") is not True:
            yield Problem(
                manifest.place("spec", "prune"),
                f"Kustomization {manifest.name} does not prune what is removed from it",
            )
