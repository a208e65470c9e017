"""Values that a HelmRelease needs are in the package, in its namespace."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, did_you_mean
from conformance.linter.rule import rule


@rule("reference.values-from", level=1)
def values_from(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each source of values that is missing or cannot be read."""
    for release in app.releases:
        for source in release.sources:
            if source.problem:
                yield Problem(source.place, source.problem)
            elif source.manifest is None and not source.optional:
                yield Problem(
                    source.place,
                    f"HelmRelease {release.name} needs {source.name}, which is not in"
                    f" namespace {release.manifest.namespace or '(none)'}"
                    f"{_where(app, source.name)}",
                )


def _where(app: AppPackage, name: str) -> str:
    found = {f"{one.kind} {one.name}": one.namespace for one in app.everything()}
    if name in found:
        return f" but in {found[name] or '(none)'}"
    kind = name.partition(" ")[0]
    return did_you_mean(name, (other for other in found if other.startswith(f"{kind} ")))
