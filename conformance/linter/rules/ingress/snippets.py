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


@rule(
    "ingress.snippets",
    "An Ingress has no snippets of nginx configuration",
    level=2,
    severity=Severity.WARNING,
    why="ingress-nginx refuses an Ingress with snippets unless its operator allows them, because "
    "they can read every secret in the cluster; other controllers ignore them.",
    source="https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/"
    "#allow-snippet-annotations",
    fix="Use the annotation for this purpose, or let the app itself do it.",
    example="""
nginx.ingress.kubernetes.io/proxy-body-size: 200m
""",
)
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
