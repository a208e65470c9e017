"""A ${...} is a variable that Flux can fill in, or is escaped."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.flux.substitution import LEGAL_NAME
from conformance.linter.rule import rule


@rule("variable.syntax", level=1)
def syntax(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each expression that is no variable."""
    for kustomization in app.kustomizations:
        for use in kustomization.uses:
            if kustomization.substitutes and not LEGAL_NAME.fullmatch(use.name):
                yield Problem(
                    use.place,
                    f"${{{use.name[:40]}}} is not a variable that Flux can replace: the whole"
                    f" Kustomization {kustomization.name} fails",
                )
        for source in kustomization.sources:
            for name in source.variables:
                if not LEGAL_NAME.fullmatch(name):
                    yield Problem(
                        source.place,
                        f"{source.name} has the key {quoted(name)}, which is no name of a variable:"
                        f" the whole Kustomization {kustomization.name} fails",
                        "Use letters, digits and _ only, or put the key into another object.",
                    )
