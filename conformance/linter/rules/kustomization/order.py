"""A Kustomization depends on the one that creates its variables."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.access import get, sequence, text
from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, Severity, did_you_mean
from conformance.linter.rule import rule


@rule("kustomization.order", level=2, severity=Severity.WARNING)
def order(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Kustomization whose variables another one makes that it does not wait for."""
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
            if maker not in depends | {kustomization.name} and not mistyped:
                yield Problem(
                    source.place,
                    f"Kustomization {kustomization.name} takes variables from {source.name}, which"
                    f" Kustomization {maker} makes, and does not depend on {maker}",
                    f"Add {maker} to dependsOn of {kustomization.name}.",
                )
                depends.add(maker)
