"""Whether containers run a known version, are watched, and have ports that others find."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, mapping, sequence, text
from conformance.linter.facts.cluster import (
    Cluster,
    each,
    guessed,
    key_of,
    settings,
    unknown_charts,
)
from conformance.linter.facts.images import is_database, moves, tag_of
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.pods import Container, Pod

_PROBES_MANUAL = (
    "https://kubernetes.io/docs/tasks/configure-pod-container/"
    "configure-liveness-readiness-startup-probes/"
)
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_HANDLERS = ("httpGet", "tcpSocket")


def _lasting(pod: Pod) -> list[Container]:
    return [one for one in pod.containers if not one.init]


@rule(
    "containers.image-pinned",
    "Every image has a version",
    level=2,
    why="A tag such as latest may mean another image tomorrow: a restart upgrades the app without "
    "a commit, nobody can say which version runs, and there is no way back.",
    source="https://kubernetes.io/docs/concepts/containers/images/#image-names",
    fix="Write the version as the image's tag (or use its digest), and change it by a commit.",
    example="""
image: docker.io/stackspin/notes:1.4.2
""",
)
def image_pinned(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each image whose tag moves, or that has none."""
    yield from each(app, _moving_images)


def _moving_images(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        for container in () if pod.hook else pod.containers:
            image = text(container.value.get("image")).strip()
            tag = tag_of(image)
            if not image or "@" in image or guessed(image):
                continue
            if not tag or moves(tag):
                what = (
                    f"tag {quoted(tag)}, which can change" if tag else "no tag, so latest is used"
                )
                yield Problem(
                    container.place("image"),
                    f"image {quoted(image)} of container {container.name} has {what}",
                )
    for release in unknown_charts(cluster):
        for path, value in settings(release.values):
            if path[-2:] == ("image", "tag") and isinstance(value, str) and value and moves(value):
                digest = text(get(release.values, *path[:-1], "digest"))
                if not digest and "{{" not in value:
                    name = ".".join(map(str, path))
                    yield Problem(
                        release.place(*path), f"{name} is {quoted(value)}, a tag that can change"
                    )


@rule(
    "containers.probes",
    "A container behind a Service has a readiness and a liveness probe",
    level=2,
    why="Without a readiness probe people get errors while the app starts, and Flux reports a "
    "broken upgrade as a success. Without a liveness probe an app that hangs stays down until "
    "somebody notices.",
    source=_PROBES_MANUAL,
    fix="Add the probe to the container; it should check the app itself, not its database or the "
    "login provider.",
    example="""
readinessProbe:
  httpGet: {path: /health/ready, port: http}
livenessProbe:
  httpGet: {path: /health/live, port: http}
""",
)
def probes(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each such container that lacks one."""
    yield from each(app, _unprobed)


def _unprobed(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        for container in pod.containers:
            target = cluster.served.get(key_of(container))
            absent = [
                name
                for name in ("readinessProbe", "livenessProbe")
                if not mapping(container.value.get(name))
            ]
            if target is not None and absent:
                yield Problem(
                    container.place(),
                    f"container {container.name}, behind Service {target.service.name}, has no "
                    f"{' and no '.join(absent)}",
                )


@rule(
    "containers.liveness",
    "A server that supports the app has a liveness probe",
    level=2,
    severity=Severity.WARNING,
    why="If a database or helper hangs, the app hangs, too, and nothing restarts it.",
    source=_PROBES_MANUAL,
    fix="Add a livenessProbe to the container, with a startupProbe if its start may take long.",
    example="""
livenessProbe:
  exec: {command: [mariadb-admin, --silent, ping]}
""",
)
def liveness(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each container that listens, not behind a Service, and has none."""
    yield from each(app, _unwatched)


def _unwatched(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        for container in _lasting(pod):
            listens = sequence(container.value.get("ports"))
            if key_of(container) in cluster.served or mapping(container.value.get("livenessProbe")):
                continue
            if listens or is_database(text(container.value.get("image"))):
                yield Problem(container.place(), f"container {container.name} has no livenessProbe")


@rule(
    "containers.probe-port",
    "A probe uses a port that its container has",
    level=2,
    why="A probe with a port name that the container does not declare always fails: the pod is "
    "never ready, or is restarted forever.",
    source=_PROBES_MANUAL,
    fix="Use the name of one of the container's ports, or its number.",
    example="""
ports:
  - name: http
    containerPort: 8080
livenessProbe:
  httpGet: {path: /health/live, port: http}
""",
)
def probe_port(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each port name of a probe that is no port's."""
    yield from each(app, _strange_probes)


def _strange_probes(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        for container in pod.containers:
            names = [text(get(one, "name")) for one in sequence(container.value.get("ports"))]
            for probe in _PROBES:
                for handler in _HANDLERS:
                    port = get(container.value, probe, handler, "port")
                    if isinstance(port, str) and port not in names:
                        yield Problem(
                            container.place(probe, handler, "port"),
                            f"{probe} of container {container.name} asks port {quoted(port)}; the "
                            f"container has {_listed(names)}",
                        )


def _listed(names: list[str]) -> str:
    known = [name for name in names if name]
    return f"port {', '.join(known[:5])}" if known else "no named port"


@rule(
    "containers.port-name",
    "The ports that a Service leads to have names",
    level=2,
    severity=Severity.NOTE,
    why="A name says what a port is for. If the port's number changes in a new version of the "
    "app, Service and probes still find it.",
    source="https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports",
    fix="Name the container's port, and use the name as the Service's targetPort.",
    example="""
ports:
  - name: http
    containerPort: 8080
""",
)
def port_name(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each declared port without a name."""
    yield from each(app, _nameless_ports)


def _nameless_ports(cluster: Cluster) -> Iterator[Problem]:
    for target in cluster.targets:
        container = target.container
        if container is None or target.declared.get("name"):
            continue
        if not cluster.certain(container.pod.workload):
            continue
        ports = sequence(container.value.get("ports"))
        index = next((n for n, one in enumerate(ports) if one is target.declared), 0)
        yield Problem(
            container.place("ports", index),
            f"port {target.number} of container {container.name} has no name, and Service "
            f"{target.service.name} leads to it",
        )


@rule(
    "containers.memory",
    "A container has a limit on its memory",
    level=3,
    severity=Severity.WARNING,
    why="All apps share one server. An app that leaks memory or is attacked can use it all up, "
    "and the kernel then kills any process.",
    source="https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
    fix="Set resources.limits.memory to somewhat more than the app needs, and requests.memory to "
    "what it always uses.",
    example="""
resources:
  requests: {cpu: 10m, memory: 64Mi}
  limits: {memory: 256Mi}
""",
)
def memory(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each container without one."""
    yield from each(app, _unlimited)


def _unlimited(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        for container in _lasting(pod):
            if not get(container.value, "resources", "limits", "memory"):
                yield Problem(
                    container.place("resources"),
                    f"container {container.name} may use all memory of the server: it has no "
                    "resources.limits.memory",
                )
