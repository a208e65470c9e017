"""An Ingress has no snippets of nginx configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.ingresses import (
    ingresses,
)
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("ingress.snippets", level=2, severity=Severity.WARNING)
def snippets(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each snippet."""
    yield from each(app, _snippets)


def _snippets(cluster: Cluster) -> Iterator[Problem]:
    for ingress in ingresses(cluster):
        for key in ingress.annotations:
            if "nginx" in key and key.endswith("-snippet"):
                yield Problem(
                    ingress.place(*ingress.annotations_path, key),
                    f"{ingress.name} has {quoted(key.rpartition('/')[2])}, which ingress-nginx "
                    "refuses by default",
                )
