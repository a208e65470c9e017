"""A variable is defined by one source only."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule


@rule("variable.once", level=2, severity=Severity.WARNING)
def once(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each variable that is used and defined twice."""
    for kustomization in app.kustomizations:
        used = {use.name for use in kustomization.uses}
        first: dict[str, str] = {}
        for source in kustomization.sources:
            for name in sorted(used & set(source.variables)):
                if first.setdefault(name, source.name) != source.name:
                    yield Problem(
                        source.place,
                        f"${{{name}}} is defined by {first[name]} and by {source.name}, which wins",
                    )
