"""A key occurs only once in the values."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule


@rule("release.values-once", level=2, severity=Severity.WARNING)
def values_once(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each source of values with a key that is there twice."""
    for release in app.releases:
        for source in release.sources:
            if source.repeated and source.manifest is not None:
                yield Problem(
                    source.manifest.place("data"),
                    f"values of {source.name}: {source.repeated}; the last one counts",
                )
