"""The Kustomization of an app waits until the app is ready, and deletes what was removed."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.release.shared import KUSTOMIZATION


@rule(
    "release.wait",
    "The Kustomization of an app waits until the app is ready, and deletes what was removed",
    level=2,
    severity=Severity.WARNING,
    why="Without wait, Flux reports an app as Ready although its HelmRelease fails; without "
    "prune, objects removed from the repository stay in the cluster forever.",
    source=f"{KUSTOMIZATION}#wait",
    fix="Set wait: true (or healthChecks) and prune: true.",
    example="""
spec:
  wait: true
  prune: true
""",
)
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
