"""A Kustomization depends on the one that creates its variables."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.access import get, sequence, text
from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, Severity, did_you_mean
from conformance.linter.flux.kustomizations import is_flux_kustomization
from conformance.linter.rule import rule


@rule("kustomization.order", level=2, severity=Severity.WARNING)
def order(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Kustomization whose variables another one makes that it does not wait for.

    What applies the Kustomization itself applies its variables with it.
    """
    makers = {
        f"{'ConfigMap' if one.kind == 'ConfigMap' else 'Secret'} {one.name}": other.name
        for other in app.kustomizations
        for one in other.members
        if one.kind in ("ConfigMap", "StringSecret", "BasicAuth")
    }
    for kustomization in app.kustomizations:
        depends = {
            text(get(entry, "name"))
            for entry in sequence(kustomization.manifest.get("spec", "dependsOn"))
        }
        for source in kustomization.sources:
            maker = makers.get(source.name, kustomization.name)
            mistyped = any(did_you_mean(one, [maker]) for one in depends)
            if maker in depends | {kustomization.name} or mistyped:
                continue
            if maker not in _above(kustomization.name, app):
                yield Problem(
                    source.place,
                    f"Kustomization {kustomization.name} takes variables from {source.name}, which"
                    f" Kustomization {maker} makes, and does not depend on {maker}",
                    f"Add {maker} to dependsOn of {kustomization.name}.",
                )
                depends.add(maker)


def _above(name: str, app: AppPackage) -> set[str]:
    """Return the Kustomizations that apply one, or one that does."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        child = waiting.pop()
        for one in app.kustomizations:
            made = (other.name for other in one.members if is_flux_kustomization(other))
            if one.name not in found and child in made:
                found.add(one.name)
                waiting.append(one.name)
    return found
