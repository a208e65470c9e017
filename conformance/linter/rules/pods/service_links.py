"""No variable that Kubernetes sets for a Service has the name of one of the app's settings.

Whether a pod gets the settings that are meant for it, when they are meant for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, mapping, sequence, text
from conformance.linter.facts.cluster import Cluster, each, same_namespace
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.pods import Container


@rule("pods.service-links", level=2, severity=Severity.NOTE)
def service_links(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Service whose variables begin as the app's own do."""
    yield from each(app, _shadowing)


def _shadowing(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        if pod.get("spec", "enableServiceLinks") is False:
            continue
        for container in pod.containers:
            names = _settings(cluster, container)
            for service in cluster.objects("Service"):
                start = f"{service.name.upper().replace('-', '_')}_"
                near = same_namespace(service.namespace, pod.workload.namespace)
                own = next((one for one in names if one.startswith(start)), "")
                if near and len(start) > 1 and own and f"{start}PORT" not in names:
                    yield Problem(
                        container.place("env"),
                        f"container {container.name} reads settings such as {own[:60]}, and "
                        f"Kubernetes sets {start}PORT and others for Service {service.name}",
                    )
                    break


def _settings(cluster: Cluster, container: Container) -> list[str]:
    """Return the names of the variables that a container is given."""
    found = [text(get(one, "name")) for one in sequence(container.value.get("env"))]
    for entry in sequence(container.value.get("envFrom")):
        for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            name = text(get(entry, key, "name"))
            for one in cluster.objects(kind) if name else ():
                if one.name == name:
                    found += [
                        str(k) for part in ("data", "stringData") for k in mapping(one.get(part))
                    ]
    return found
