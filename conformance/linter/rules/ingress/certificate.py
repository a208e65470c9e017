"""An Ingress has a source for its certificate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import text
from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.ingresses import (
    ingresses,
)
from conformance.linter.facts.needs import whole
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.ingress.shared import in_template

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_ANY_YAML = re.compile(r"annotations:?\s*\{\{|toYaml")


@rule("ingress.certificate", level=2, severity=Severity.WARNING)
def certificate(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Ingress that neither asks for a certificate nor has one."""
    yield from each(app, _uncertified)


def _uncertified(cluster: Cluster) -> Iterator[Problem]:
    for ingress in ingresses(cluster):
        if not ingress.tls or ingress.asks_for_certificate:
            continue
        if cluster.bare and (ingress.secrets or in_template(cluster, ingress, _ANY_YAML)):
            continue
        if ingress.manifest is not None and not (cluster.bare or cluster.complete):
            continue
        makers = {
            text(one.get("spec", "secretName")) if one.kind == "Certificate" else one.name
            for one in (*cluster.manifests, *cluster.app.neighbours)
            if one.kind in ("Certificate", "Secret")
        }
        lost = [name for name in ingress.secrets if name not in makers]
        if ingress.secrets and (not lost or not whole(cluster.app)):
            continue
        made = f": nothing creates Secret {lost[0]}" if lost else ""
        yield Problem(
            ingress.place(*ingress.annotations_path),
            f"{ingress.name} does not ask cert-manager for its certificate{made}",
        )
