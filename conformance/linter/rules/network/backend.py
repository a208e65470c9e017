"""An Ingress leads to an existing Service and one of its ports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.linter.access import Path, get, mapping, sequence, text
from conformance.linter.facts.cluster import (
    Cluster,
    each,
    port_number,
    same_namespace,
    similar,
)
from conformance.linter.facts.needs import given, operators
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.network.shared import shown

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.manifest import Manifest


@rule("network.backend", level=2)
def backend(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each backend that is not there."""
    yield from each(app, _lost_backends)


def _lost_backends(cluster: Cluster) -> Iterator[Problem]:
    services = list(cluster.objects("Service"))
    for ingress in cluster.objects("Ingress"):
        if not cluster.certain(ingress) or not cluster.knows_around(ingress):
            continue
        for path, service in _backends(ingress):
            name = text(service.get("name"))
            near = [one for one in services if same_namespace(one.namespace, ingress.namespace)]
            found = [one for one in near if one.name == name]
            if name and not found and not _of_others(cluster, name, ingress):
                meant = similar(name, (one.name for one in near))
                yield Problem(
                    ingress.place(*path, "name"),
                    f"Ingress {ingress.name} leads to Service {quoted(name)}, which is not there"
                    f"{f'; did you mean {meant}?' if meant else ''}",
                )
            elif found and found[0].get("spec", "type") != "ExternalName":
                yield from _lost_port(ingress, path, service, found[0])


def _of_others(cluster: Cluster, name: str, ingress: Manifest) -> bool:
    """Return whether an operator, another app or a person may have made a Service."""
    if cluster.bare and ingress.rendered and given(cluster, name):
        return True
    makers = operators(cluster.manifests)
    if not cluster.bare:
        kinds = ("Service", "HelmRelease")
        makers += [one for one in cluster.app.neighbours if one.kind in kinds]
    return any(one.name and name.startswith(one.name) for one in makers)


def _backends(ingress: Manifest) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield each Service that an Ingress leads to."""
    paths: list[Path] = [("spec", "defaultBackend", "service")]
    for index, entry in enumerate(sequence(ingress.get("spec", "rules"))):
        for number, _ in enumerate(sequence(get(entry, "http", "paths"))):
            paths.append(("spec", "rules", index, "http", "paths", number, "backend", "service"))
    for path in paths:
        service = mapping(ingress.get(*path))
        if service:
            yield path, service


def _port_words(port: Mapping[str, Any]) -> str:
    """Return a port's number, and its name if it has one: ``80 (http)``."""
    name = port.get("name")
    return f"{port.get('port')} ({name})" if name else f"{port.get('port')}"


def _lost_port(
    ingress: Manifest, path: Path, backend: Mapping[str, Any], service: Manifest
) -> Iterator[Problem]:
    ports = [mapping(one) for one in sequence(service.get("spec", "ports"))]
    for key, field in (("name", "name"), ("number", "port")):
        wanted = port_number(get(backend, "port", key))
        if wanted and wanted not in [port_number(one.get(field)) for one in ports]:
            has = ", ".join(map(_port_words, ports[:5]))
            yield Problem(
                ingress.place(*path, "port", key),
                f"Ingress {ingress.name} leads to port {shown(wanted)} of Service {service.name}, "
                f"which has {has[:200] or 'none'}",
            )
