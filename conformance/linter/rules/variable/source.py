"""Every source of variables is in the package, or belongs to Stackspin."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, did_you_mean
from conformance.linter.flux import platform
from conformance.linter.flux.made_secrets import made_secrets
from conformance.linter.rule import rule


@rule("variable.source", level=1)
def source(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each source that nobody makes."""
    made = {
        f"{'ConfigMap' if one.kind == 'ConfigMap' else 'Secret'} {one.name}": one.namespace
        for one in app.everything()
        if one.kind in ("ConfigMap", "Secret", "StringSecret", "BasicAuth")
    }
    made |= {
        f"Secret {secret.name}": one.namespace
        for one in app.everything()
        for secret in made_secrets(one)
    }
    for kustomization in app.kustomizations:
        for source in kustomization.sources:
            if source.known or source.optional:
                continue
            near = did_you_mean(source.name, [*made, *platform.sources()])
            elsewhere = made.get(source.name)
            if elsewhere is not None:
                near = (
                    f": it is in namespace {elsewhere or '(none)'}, the Kustomization in"
                    f" {kustomization.manifest.namespace or '(none)'}"
                )
            yield Problem(
                source.place,
                f"{source.name} is neither in the package nor known to belong to Stackspin{near}",
            )
