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


@rule(
    "release.values-form",
    "Values in the form of Kubernetes' fields have the names of these fields",
    level=2,
    severity=Severity.WARNING,
    why="Charts copy such values into their objects as they are. What is misspelt makes "
    "Kubernetes refuse the object, so the release fails, or has no effect.",
    source="https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/",
    fix="Correct the name or the amount.",
    example="""
resources:
  requests: {cpu: 10m, memory: 64Mi}
  limits: {memory: 256Mi}
""",
)
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
