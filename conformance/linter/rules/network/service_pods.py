"""A Service selects the pods of one workload.

Whether a Service leads only to the pods that answer its requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import mapping, sequence
from conformance.linter.facts.cluster import Cluster, each, port_number, selector_of, selects
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.manifest import HOOK
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.manifest import Manifest
    from conformance.linter.pods import Pod


@rule("network.service-pods", level=2, severity=Severity.WARNING)
def service_pods(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Service with pods that do not serve beside those that do."""
    yield from each(app, _strangers)


def _strangers(cluster: Cluster) -> Iterator[Problem]:
    for service in cluster.objects("Service"):
        selector = selector_of(service)
        # A headless Service is for finding pods, not for sending requests to one of them.
        if not selector or service.get("spec", "clusterIP") == "None":
            continue
        selected = [
            pod
            for pod in cluster.judged
            if selects(selector, service.namespace, pod) and not _test(pod)
        ]
        serving = [pod for pod in selected if _lasts(pod) and _declares(pod, service)]
        others = [pod for pod in selected if pod not in serving]
        if not others or not any(_lasts(pod) for pod in selected):
            continue
        first = serving or [pod for pod in selected if _lasts(pod)]
        named = [pod for pod in others if pod.workload is not first[0].workload]
        if cluster.certain(service) and named:
            yield Problem(
                service.place("spec", "selector"),
                f"Service {service.name} selects the pods of {_name(first[0])}, but those of "
                f"{' and '.join(map(_name, named[:3]))}, too",
            )


def _lasts(pod: Pod) -> bool:
    return pod.lasting and not pod.hook


def _test(pod: Pod) -> bool:
    """Whether it runs only when somebody asks Helm to test the release."""
    return str(pod.workload.annotations.get(HOOK, "")).startswith("test")


def _declares(pod: Pod, service: Manifest) -> bool:
    """Return whether a container declares a port that the Service leads to."""
    wanted = {
        port_number(mapping(port).get("targetPort")) or port_number(mapping(port).get("port"))
        for port in sequence(service.get("spec", "ports"))
    }
    return any(
        port_number(mapping(port).get(key)) in wanted
        for container in pod.containers
        for port in sequence(container.value.get("ports"))
        for key in ("containerPort", "name")
    )


def _name(pod: Pod) -> str:
    return f"{pod.workload.kind} {pod.workload.name}"
