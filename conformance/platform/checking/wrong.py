"""What of a description does not hold, and how the checks of it look things up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from conformance.formats.reading import nearest
from conformance.kube.objects import Object, Objects, label_selector
from conformance.linter.access import Path as Where
from conformance.platform.description import NamespacedName, Platform, Service, Workload
from conformance.platform.discovery.cluster import Cluster, labels_of, name_of, namespace_of
from conformance.platform.discovery.findings import Findings
from conformance.platform.discovery.pods import override_of, target_of
from conformance.platform.discovery.web import Web

CORRECT = "Correct it."
_TERM = re.compile(
    r"\s*(?P<not>!?)(?P<key>[^\s=!,()]+)\s*"
    r"(?:(?P<operator>==?|!=|notin\b|in\b)\s*(?P<value>\([^()]*\)|[^\s,()]*))?\s*(?:,|$)"
)


@dataclass(frozen=True)
class Wrong:
    """A value that does not hold."""

    where: Where
    """Its place in the description."""
    message: str
    fix: str


@dataclass(frozen=True)
class Compared:
    """A description beside the cluster that it is said to describe."""

    platform: Platform
    cluster: Cluster
    findings: Findings
    """What discovery finds on that cluster."""
    web: Web

    def wrong(
        self, where: Where, message: str, known: Iterable[str] = (), *, otherwise: str = CORRECT
    ) -> Wrong:
        """Return what is wrong, and what to write: as discovery finds it, else the nearest name.

        ``otherwise`` is what to do where neither is known.
        """
        for place in (where, where[:-1]):  # a port may be that of another Service
            value = self.found(place)
            if value not in (None, self.written(place)) and not isinstance(value, list):
                return Wrong(where, message, f"platform discover finds {_shown(value)}.")
        if near := nearest(str(self.written(where)), known):
            return Wrong(where, message, f"Did you mean {near}?")
        return Wrong(where, message, otherwise)

    def start_or_correct(self, labels: str, namespace: str | None = None) -> str:
        """Return what to do where no pod has these labels: start what makes such pods, if any."""
        for kind in ("Deployment", "StatefulSet", "DaemonSet"):
            for item in self.cluster.all(kind, namespace):
                made = item["spec"].get("template", {}).get("metadata", {}).get("labels") or {}
                if labels and _select(labels, made):
                    called = f"{kind.lower()}/{name_of(item)}"
                    see = f"kubectl --namespace={namespace_of(item)} describe {called}"
                    return f"Start {kind} {name_of(item)}: {see} says why it has no pod."
        return CORRECT

    def found(self, where: Where) -> object:
        """Return what discovery finds for a place, or for a part of it; None: nothing."""
        value: object = None
        for length in range(1, len(where) + 1):
            if isinstance(value, Mapping):
                value = value.get(where[length - 1])
            else:
                value = self.findings.value(".".join(map(str, where[:length])))
        return value

    def written(self, where: Where) -> object:
        """Return what the description says."""
        value: object = self.platform.model_dump(by_alias=True)
        for key in where:
            value = value[key] if isinstance(value, Mapping | list | tuple) else None  # type: ignore[index]
        return value

    def namespace(self, where: Where, name: str) -> Iterator[Wrong]:
        """Yield what is wrong with a namespace."""
        if self.cluster.find("Namespace", name) is None:
            known = [name_of(item) for item in self.cluster.all("Namespace")]
            yield self.wrong(where, f"there is no namespace {name}", known)

    def named(self, where: Where, kind: str, which: NamespacedName) -> Iterator[Wrong]:
        """Yield what is wrong with an object that is named with its namespace."""
        if self.cluster.find("Namespace", which.namespace) is None:
            yield from self.namespace((*where, "namespace"), which.namespace)
        else:
            yield from self.object((*where, "name"), kind, which.name, which.namespace)

    def object(
        self, where: Where, kind: str, name: str, namespace: str | None = None
    ) -> Iterator[Wrong]:
        """Yield what is wrong with an object that is named alone."""
        if self.cluster.find(kind, name, namespace) is None:
            known = [name_of(item) for item in self.cluster.all(kind, namespace)]
            place = f" in namespace {namespace}" if namespace else ""
            yield self.wrong(where, f"there is no {kind} {name}{place}", known)

    def service(
        self, where: Where, which: Service, leads: Callable[[Object, int | None], str]
    ) -> Iterator[Wrong]:
        """Yield what is wrong with a Service.

        ``leads`` returns what is wrong with a pod and its port that the Service leads to.
        """
        service = self.cluster.find("Service", which.name, which.namespace)
        if service is None:
            yield from self.named(where, "Service", NamespacedName(**_place(which)))
            return
        ports = {port["port"]: port for port in service["spec"].get("ports") or ()}
        called = f"Service {which.namespace}/{which.name}"
        if which.port not in ports:
            has = ", ".join(map(str, ports))
            yield self.wrong((*where, "port"), f"{called} has no port {which.port}, but {has}")
            return
        selector = service["spec"].get("selector") or {}
        pods = self.cluster.selected(selector, which.namespace) if selector else []
        if not pods:
            fix = self.start_or_correct(label_selector(selector), which.namespace)
            yield self.wrong((*where, "name"), f"{called} leads to no pod", otherwise=fix)
            return
        problem = leads(pods[0], target_of(ports[which.port], pods[0]))
        if problem:
            yield self.wrong((*where, "name"), f"{called} leads to {problem}")

    def workload(
        self, where: Where, which: Workload, is_it: Callable[[Object], str] = lambda _: ""
    ) -> Iterator[Wrong]:
        """Yield what is wrong with a workload; ``is_it`` returns what is wrong with a pod of it."""
        yield from self.labels((*where, "labels"), which.namespace, which.labels, is_it)
        if which.release is None:
            if which.override:
                message = "an override is of a HelmRelease, and there is no release"
                yield self.wrong((*where, "override"), message)
            return
        yield from self.named((*where, "release"), "HelmRelease", which.release)
        release = self.cluster.find("HelmRelease", which.release.name, which.release.namespace)
        if release and which.override and which.override != override_of(release):
            message = (
                f"{which.override} is not the last optional ConfigMap in valuesFrom of HelmRelease "
                f"{which.release.namespace}/{which.release.name}: Flux would never read it"
            )
            yield self.wrong((*where, "override"), message)

    def labels(
        self,
        where: Where,
        namespace: str,
        labels: str,
        is_it: Callable[[Object], str] = lambda _: "",
    ) -> Iterator[Wrong]:
        """Yield what is wrong with labels that are to select pods of a namespace."""
        if self.cluster.find("Namespace", namespace) is None:
            yield from self.namespace((*where[:-1], "namespace"), namespace)
            return
        pods = selected(self.cluster.pods(namespace), labels)
        if not pods:
            message = f"no pod of namespace {namespace} has the labels {labels}"
            fix = self.start_or_correct(labels, namespace)
            yield self.wrong(where, message, otherwise=fix)
        elif problem := next(filter(None, map(is_it, pods)), ""):
            yield self.wrong(where, f"{labels} selects {problem}")


def selected(pods: Objects, labels: str) -> Objects:
    """Return the pods that a selector selects, written as for ``kubectl get --selector``."""
    return [pod for pod in pods if _select(labels, labels_of(pod))]


def _select(selector: str, labels: Mapping[str, str]) -> bool:
    return all(_holds(term, labels) for term in _TERM.finditer(selector))


def _holds(term: re.Match[str], labels: Mapping[str, str]) -> bool:
    found, values = labels.get(term["key"]), [*re.split(r"[\s,()]+", term["value"] or "")]
    if term["operator"] is None:
        return (found is None) == bool(term["not"])
    if term["operator"] in ("=", "==", "in"):
        return found in values
    return found not in values


def _place(which: Service) -> dict[str, str]:
    return {"namespace": which.namespace, "name": which.name}


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
