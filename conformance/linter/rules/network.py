"""Whether the way from an Ingress over a Service to a container's port is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.linter.access import Path, get, mapping, sequence, text
from conformance.linter.facts.cluster import (
    Cluster,
    each,
    port_number,
    same_namespace,
    selector_of,
    similar,
)
from conformance.linter.facts.needs import given, operators
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.facts.cluster import Target
    from conformance.linter.manifest import Manifest

_SERVICE = "https://kubernetes.io/docs/concepts/services-networking/service/"
_INGRESS = "https://kubernetes.io/docs/concepts/services-networking/ingress/"


@rule(
    "network.service-selector",
    "Every Service selects existing pods",
    level=2,
    why="A Service without pods cannot answer: people see 503.",
    source=_SERVICE,
    fix="Give the Service's selector the labels of the pod template.",
    example="""
kind: Service
spec:
  selector:
    app.kubernetes.io/name: notes # a label of the pods, not of the Deployment
""",
)
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


def _targets(cluster: Cluster) -> Iterator[tuple[Target, bool]]:
    """Yield each port of a Service once, and whether a container declares its target."""
    first: dict[tuple[int, int], Target] = {}
    declared: set[tuple[int, int]] = set()
    for target in cluster.targets:
        key = (id(target.service), target.index)
        first.setdefault(key, target)
        if target.container is not None or not cluster.certain(target.pod.workload):
            declared.add(key)
    for key, target in first.items():
        if cluster.certain(target.service):
            yield target, key in declared


@rule(
    "network.service-port",
    "The port name that a Service leads to belongs to a container",
    level=2,
    why="A Service that leads to a port name that no container has cannot answer: people see 503.",
    source=f"{_SERVICE}#field-spec-ports",
    fix="Use the name of a port of the container, with the same protocol, as targetPort.",
    example="""
ports:
  - name: http
    port: 80
    targetPort: http # the name of the container's port
""",
)
def service_port(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each name that is no container port's."""
    yield from each(app, _lost_names)


def _lost_names(cluster: Cluster) -> Iterator[Problem]:
    for target, declared in _targets(cluster):
        if isinstance(target.number, str) and not declared:
            near = similar(target.number, _port_names(target))
            yield Problem(
                target.service.place("spec", "ports", target.index, "targetPort"),
                f"Service {target.service.name} leads to port {quoted(target.number)}, which no "
                f"container of {target.pod.workload.kind} {target.pod.workload.name} has"
                f"{f'; did you mean {near}?' if near else ''}",
            )


def _port_names(target: Target) -> list[str]:
    return [
        text(get(port, "name"))
        for container in target.pod.containers
        for port in sequence(container.value.get("ports"))
    ]


@rule(
    "network.port-declared",
    "The port number that a Service leads to is declared by a container",
    level=2,
    severity=Severity.NOTE,
    why="It may work, because containers can listen on ports that they do not declare; usually "
    "the number is mistyped or left over from another app, and people see 503.",
    source=f"{_SERVICE}#field-spec-ports",
    fix="Declare the port in the container, with a name, and use the name as targetPort.",
    example="""
ports:
  - name: http
    containerPort: 8080
""",
)
def port_declared(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each number that no container declares."""
    yield from each(app, _lost_numbers)


def _lost_numbers(cluster: Cluster) -> Iterator[Problem]:
    for target, declared in _targets(cluster):
        if isinstance(target.number, int) and not declared:
            yield Problem(
                target.service.place("spec", "ports", target.index, "targetPort"),
                f"Service {target.service.name} leads to port {target.number}, which no container "
                f"of {target.pod.workload.kind} {target.pod.workload.name} declares",
            )


@rule(
    "network.backend",
    "An Ingress leads to an existing Service and one of its ports",
    level=2,
    why="Otherwise the ingress controller answers every request with 503.",
    source=f"{_INGRESS}#the-ingress-resource",
    fix="Use the Service's name, and the name or number of one of its ports (not the container's).",
    example="""
backend:
  service:
    name: notes
    port:
      name: http
""",
)
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


def _shown(port: int | str) -> str:
    return quoted(port) if isinstance(port, str) else str(port)


def _lost_port(
    ingress: Manifest, path: Path, backend: Mapping[str, Any], service: Manifest
) -> Iterator[Problem]:
    ports = [mapping(one) for one in sequence(service.get("spec", "ports"))]
    for key, field in (("name", "name"), ("number", "port")):
        wanted = port_number(get(backend, "port", key))
        if wanted and wanted not in [port_number(one.get(field)) for one in ports]:
            has = ", ".join(f"{one.get('port')} ({one.get('name')})" for one in ports[:5])
            yield Problem(
                ingress.place(*path, "port", key),
                f"Ingress {ingress.name} leads to port {_shown(wanted)} of Service {service.name}, "
                f"which has {has[:200] or 'none'}",
            )


@rule(
    "network.open-port",
    "A Service opens a port of the server only if it has to",
    level=2,
    severity=Severity.NOTE,
    why="A port of the server is open to the internet without the ingress: without TLS and "
    "without HTTP authentication. Only SSH, mail or voice need this.",
    source=f"{_SERVICE}#publishing-services-service-types",
    fix="Use type ClusterIP and an Ingress for everything that uses HTTP.",
    example="""
kind: Service
spec:
  type: ClusterIP
""",
)
def open_port(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each port of the server that is opened."""
    yield from each(app, _open_ports)


def _open_ports(cluster: Cluster) -> Iterator[Problem]:
    for service in cluster.objects("Service"):
        kind = service.get("spec", "type")
        if kind in ("NodePort", "LoadBalancer") and cluster.certain(service):
            yield Problem(
                service.place("spec", "type"),
                f"Service {service.name} opens a port of the server (type {kind})",
            )
    for pod in cluster.servers:
        for container in pod.containers:
            for index, port in enumerate(sequence(container.value.get("ports"))):
                number = port_number(get(port, "hostPort"))
                if number:
                    yield Problem(
                        container.place("ports", index, "hostPort"),
                        f"container {container.name} opens port {_shown(number)} of the server",
                    )
