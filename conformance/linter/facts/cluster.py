"""What stands in the cluster once an app is installed, and how its parts hang together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import Any

from conformance.linter.access import Key, Path, get, mapping, sequence, text
from conformance.linter.app import AppPackage, Chart, Installation, Release
from conformance.linter.files import inside
from conformance.linter.findings import NotRun, Problem
from conformance.linter.manifest import Manifest
from conformance.linter.pods import Container, Pod, pods_of

_MOST_VALUES = 20_000
"""Values of a release that are looked at; a chart has some hundred."""
_LONGEST = 1000
"""Characters of a value that may stand for a name."""
_MOST_NAMES = 300
"""Names among which a similar one is looked for."""
_GUESSED = "example-"
"""What stands for a variable of an unknown type begins like this: ``platform.placeholder``."""
_COMMENT_LINE = re.compile(r"(?m)^\s*#.*$")


@dataclass(frozen=True, eq=False)
class Target:
    """A port of a Service, and a container that it leads to."""

    service: Manifest
    index: int
    port: Mapping[str, Any]
    number: int | str
    """``targetPort``: a container port's number or name."""
    pod: Pod
    container: Container | None
    """None: no container of the pod declares the port."""
    declared: Mapping[str, Any]
    """The container's port; empty if none declares it."""


@dataclass(frozen=True, eq=False)
class Cluster:
    """The objects that are in a cluster together."""

    app: AppPackage
    manifests: tuple[Manifest, ...]
    missing: tuple[str, ...]
    """Why objects are missing here."""
    values: tuple[Mapping[str, Any], ...]
    """What was set, beside the charts' own values."""
    bare: bool
    """Whether this is a chart that stands alone: whoever installs it may set other values."""

    @property
    def complete(self) -> bool:
        """Whether every object is known."""
        return not self.missing

    @cached_property
    def strings(self) -> frozenset[str]:
        """The texts among ``values`` that may stand for a name."""
        return frozenset(
            value
            for values in self.values
            for _, value in settings(values)
            if isinstance(value, str) and len(value) < _LONGEST
        )

    @cached_property
    def pods(self) -> list[Pod]:
        """All pod templates."""
        return list(pods_of(self.manifests))

    @cached_property
    def judged(self) -> list[Pod]:
        """Pod templates that are in the cluster just as they are here."""
        return [pod for pod in self.pods if self.certain(pod.workload)]

    @cached_property
    def servers(self) -> list[Pod]:
        """Those of ``judged`` that are to run on: no jobs, no tests, no hooks."""
        return [pod for pod in self.judged if _serves(pod)]

    def objects(self, *kinds: str) -> Iterator[Manifest]:
        """Yield the objects of these kinds."""
        return (one for one in self.manifests if one.kind in kinds)

    def certain(self, manifest: Manifest) -> bool:
        """Return whether an object is in the cluster just as it is here, as nothing patches it."""
        if not manifest.rendered:
            return not any(one.beyond for one in self.app.kustomizations)
        chart = self.chart_of(manifest)
        return not any(
            one.beyond and one.release is not None and one.release.chart is chart
            for one in self.app.installations
        )

    def chart_of(self, manifest: Manifest) -> Chart | None:
        """Return the chart that rendered an object; None if it was written."""
        if not manifest.rendered:
            return None
        charts = [one for one in self.app.charts if inside(manifest.file, one.folder)]
        return max(charts, key=lambda one: len(one.folder), default=None)

    def knows_around(self, manifest: Manifest) -> bool:
        """Return whether all is known that an object may lead to: all there is, or its chart."""
        chart = self.chart_of(manifest)
        whole = chart is not None and not any(one.chart is chart for one in self.app.failures)
        return self.complete or whole

    def template_of(self, manifest: Manifest) -> str:
        """Return the template, without comments, that a chart made an object of."""
        chart = self.chart_of(manifest)
        if chart is None:
            return ""
        start = "" if chart.folder == "." else f"{chart.folder}/"
        source = chart.text(manifest.file.removeprefix(start)) or ""
        return _COMMENT_LINE.sub("", _without_comments(source))

    def selected(self, selector: Mapping[str, Any], namespace: str) -> list[Pod]:
        """Return the lasting pods that have all labels of ``selector``."""
        return [pod for pod in self.pods if _serves(pod) and selects(selector, namespace, pod)]

    @cached_property
    def targets(self) -> list[Target]:
        """Where the Services lead."""
        return [
            target
            for service in self.objects("Service")
            for pod in self.selected(selector_of(service), service.namespace)
            if selector_of(service)
            for index, port in enumerate(sequence(service.get("spec", "ports")))
            for target in _targets(service, index, mapping(port), pod)
        ]

    @cached_property
    def served(self) -> Mapping[tuple[int, Path], Target]:
        """The containers that answer behind a Service, by ``key_of``; metrics do not count."""
        found: dict[tuple[int, Path], Target] = {}
        for target in self.targets:
            container = target.container
            if container is None:
                lasting = [one for one in target.pod.containers if not one.init]
                container = lasting[0] if len(lasting) == 1 else None
            if container is not None and not _metrics(target):
                found.setdefault(key_of(container), target)
        return found


def key_of(container: Container) -> tuple[int, Path]:
    """Return what a container is known by."""
    return id(container.pod.workload), container.path


def each(
    app: AppPackage, check: Callable[[Cluster], Iterable[Problem | NotRun]]
) -> Iterator[Problem | NotRun]:
    """Yield what ``check`` finds in each cluster, and why it could not look everywhere.

    What was found with one set of values is not told again with the next: only the line that a
    template is known by may differ.
    """
    told: set[tuple[str, ...]] = set()
    for cluster in clusters(app):
        yield from map(NotRun, cluster.missing)
        found = list(check(cluster))
        yield from (one for one in found if _facts(one) not in told)
        told.update(map(_facts, found))


def _facts(one: Problem | NotRun) -> tuple[str, ...]:
    if isinstance(one, NotRun):
        return (one.reason,)
    return one.place.file, one.place.object, one.message


@lru_cache(maxsize=2)
def clusters(app: AppPackage) -> list[Cluster]:
    """Return what an app's installations make; all HelmReleases of a package make one cluster."""
    bare = [one for one in app.installations if not _of_package(one)]
    together = [one for one in app.installations if _of_package(one)]
    found = [
        Cluster(app, one.manifests, missing(app, one), (one.values,), bare=True) for one in bare
    ]
    if together:
        manifests = {id(one): one for installation in together for one in installation.manifests}
        why = dict.fromkeys(reason for one in together for reason in missing(app, one))
        values = tuple(release.values for release in app.releases)
        found.append(Cluster(app, tuple(manifests.values()), tuple(why), values, bare=False))
    return found


def missing(app: AppPackage, installation: Installation) -> tuple[str, ...]:
    """Return why objects are missing; also where some of a chart's templates render to none."""
    failures = [one for one in app.failures if one.label == installation.label]
    broken = dict.fromkeys(f"chart {one.chart.name} does not render" for one in failures)
    return tuple(dict.fromkeys((*installation.missing, *broken)))


def _of_package(installation: Installation) -> bool:
    written = any(not one.rendered for one in installation.manifests)
    return installation.release is not None or written


def _serves(pod: Pod) -> bool:
    return pod.lasting and not pod.hook


def selector_of(service: Manifest) -> Mapping[str, Any]:
    """Return the labels that a Service selects pods by."""
    return mapping(service.get("spec", "selector"))


def selects(selector: Mapping[str, Any], namespace: str, pod: Pod) -> bool:
    """Return whether a pod is in ``namespace``, or may be, and has all labels of ``selector``."""
    return same_namespace(pod.workload.namespace, namespace) and all(
        key in pod.labels and pod.labels[key] == selector[key] for key in selector
    )


def same_namespace(one: str, other: str) -> bool:
    """Return whether two namespaces may be the same: an empty one is unknown."""
    return not one or not other or one == other


def port_number(value: object) -> int | str:
    """Return a port's number or name; an empty string if it is neither."""
    if isinstance(value, bool):
        return ""
    return value if isinstance(value, int | str) else ""


def _targets(service: Manifest, index: int, port: Mapping[str, Any], pod: Pod) -> Iterator[Target]:
    number = port_number(port.get("targetPort")) or port_number(port.get("port"))
    if not number:
        return
    protocol = port.get("protocol") or "TCP"
    key = "containerPort" if isinstance(number, int) else "name"
    found = False
    for container in pod.containers:
        if container.init:
            continue
        for declared in map(mapping, sequence(container.value.get("ports"))):
            if declared.get(key) == number and (declared.get("protocol") or "TCP") == protocol:
                found = True
                yield Target(service, index, port, number, pod, container, declared)
    if not found:
        yield Target(service, index, port, number, pod, None, {})


def _without_comments(template: str) -> str:
    """Return a template without what stands between ``/*`` and ``*/``."""
    first, *rest = template.split("/*")
    return first + "".join(part.partition("*/")[2] for part in rest)


def _metrics(target: Target) -> bool:
    names = (text(target.port.get("name")), str(target.number))
    return any(word in name for name in names for word in ("metrics", "prometheus", "exporter"))


def guessed(value: str) -> bool:
    """Return whether a value has a variable in it that nothing here defines."""
    return "${" in value or _GUESSED in value


def similar(name: str, names: Iterable[str]) -> str:
    """Return the name that was probably meant; empty if none is like it."""
    others = [one for one in dict.fromkeys(names) if one != name and 0 < len(one) <= 253]
    found = get_close_matches(name[:253], others[:_MOST_NAMES], n=1, cutoff=0.75)
    return found[0] if found else ""


def settings(values: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Yield each value with its path, parents first; nothing of a part with ``enabled: false``."""
    rest: list[tuple[Path, Any]] = [((), values)]
    for _ in range(_MOST_VALUES):
        if not rest:
            return
        path, value = rest.pop()
        if get(value, "enabled") is False:
            continue
        yield path, value
        inner: list[tuple[Key, Any]] = list(enumerate(sequence(value)))
        if isinstance(value, Mapping):
            inner = [(key, value[key]) for key in value]
        rest.extend(((*path, key), item) for key, item in reversed(inner))


def unknown_charts(cluster: Cluster) -> list[Release]:
    """Return the releases of which only the values are known."""
    return [] if cluster.bare else [one for one in cluster.app.releases if one.chart is None]
