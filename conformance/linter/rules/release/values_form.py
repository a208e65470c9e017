"""Values in the form of Kubernetes' fields have the names of these fields.

Whether the values of a release mean what they seem to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import guessed, settings
from conformance.linter.facts.fragments import misspelt
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("release.values-form", level=2, severity=Severity.WARNING)
def values_form(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield what is misspelt in the values of a chart that is not here."""
    for release in app.releases:
        if release.chart is not None:
            continue  # What it renders to is judged.
        for path, value in settings(release.values):
            for one in misspelt(path[-1], value) if path else ():
                if isinstance(one.value, str) and (guessed(one.value) or "{{" in one.value):
                    continue
                where = ".".join(map(str, path))
                yield Problem(
                    release.place(*path, *one.path),
                    f"{quoted(where)[1:-1]}: {one.message}",
                    one.fix,
                )
