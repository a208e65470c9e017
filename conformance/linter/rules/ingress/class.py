"""An Ingress is for the platform's nginx."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each, guessed
from conformance.linter.facts.ingresses import (
    ingresses,
)
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.ingress.shared import in_template

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("ingress.class", level=2, severity=Severity.WARNING)
def ingress_class(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Ingress of another class."""
    yield from each(app, _strange_classes)


def _strange_classes(cluster: Cluster) -> Iterator[Problem]:
    known = {"", "nginx", *(one.name for one in cluster.objects("IngressClass"))}
    for ingress in ingresses(cluster):
        if ingress.class_name in known or "{{" in ingress.class_name:
            continue
        if guessed(ingress.class_name):
            continue
        name = re.escape(ingress.class_name[:100])
        literal = re.compile(rf"""lass(Name)?["']?:\s*["']?{name}\b""")
        if cluster.bare and not in_template(cluster, ingress, literal):
            continue
        yield Problem(
            ingress.place(*ingress.class_path),
            f"{ingress.name} has class {quoted(ingress.class_name)}; the platform has nginx",
        )
