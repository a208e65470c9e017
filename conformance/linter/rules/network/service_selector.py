"""Every Service selects existing pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.linter.access import Path
from conformance.linter.facts.cluster import (
    Cluster,
    each,
    selector_of,
)
from conformance.linter.facts.needs import operators
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.manifest import Manifest


@rule("network.service-selector", level=2)
def service_selector(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Service that selects nothing."""
    yield from each(app, _idle_services)


def _idle_services(cluster: Cluster) -> Iterator[Problem | NotRun]:
    others = operators(cluster.manifests)
    for service in cluster.objects("Service"):
        selector = selector_of(service)
        if not selector or not cluster.certain(service):
            continue
        if cluster.selected(selector, service.namespace):
            continue
        if others:
            maker = f"{others[0].kind} {others[0].name}"[:100]
            yield NotRun(f"an operator may create pods from {maker}")
        elif cluster.knows_around(service):
            yield _selects_nothing(cluster, service, selector)


def _selects_nothing(cluster: Cluster, service: Manifest, selector: Mapping[str, Any]) -> Problem:
    near = max(
        cluster.servers,
        key=lambda pod: sum(pod.labels.get(key) == selector[key] for key in selector),
        default=None,
    )
    wrong = [] if near is None else [k for k in selector if near.labels.get(k) != selector[k]]
    detail = ""
    if near is not None and len(wrong) < len(selector):
        detail = (
            f"; the pods of {near.workload.kind} {near.workload.name} lack"
            f" {wrong[0]}={quoted(selector[wrong[0]])}"
            if wrong
            else f"; {near.workload} is in another namespace"
        )
    path: Path = ("spec", "selector", *wrong[:1]) if len(wrong) == 1 else ("spec", "selector")
    message = f"Service {service.name} selects no pod of the app{detail}"
    return Problem(service.place(*path), message)
