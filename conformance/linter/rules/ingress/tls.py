"""Every host name of an Ingress is in its TLS section."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.ingresses import (
    ingresses,
)
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.ingress.shared import in_template

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_TLS_WORD = re.compile(r"(?<![\w-])tls(?![\w-])")


@rule("ingress.tls", level=2)
def tls(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each host name that is not covered."""
    yield from each(app, _plain_hosts)


def _plain_hosts(cluster: Cluster) -> Iterator[Problem]:
    for ingress in ingresses(cluster):
        if cluster.bare and in_template(cluster, ingress, _TLS_WORD):
            continue
        if not ingress.tls:
            message = f"{ingress.name} has no TLS section"
            yield Problem(ingress.place(*ingress.tls_path), message)
            continue
        for one in ingress.hosts:
            if one.name and not ingress.covers(one.name):
                yield Problem(
                    ingress.place(*ingress.tls_path),
                    f"host {quoted(one.name)} is not in the TLS section of {ingress.name}",
                )
