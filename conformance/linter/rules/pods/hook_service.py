"""A hook before the installation asks no server that the chart installs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, sequence, text
from conformance.linter.facts.cluster import Cluster, each, selector_of
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.pods.shared_hooks import BEFORE, is_hook, runs_at, when_it_runs

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_ADDRESS = re.compile(r"HOST|URL|URI|DSN|ADDR|SERVER|ENDPOINT", re.IGNORECASE)


@rule("pods.hook-service", level=2, severity=Severity.WARNING)
def hook_service(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each setting of a hook that names a Service which is not there yet."""
    yield from each(app, _unserved)


def _unserved(cluster: Cluster) -> Iterator[Problem]:
    services = [
        one.name
        for one in cluster.objects("Service")
        if one.rendered and one.name and not is_hook(one) and selector_of(one)
    ]
    for pod in cluster.judged:
        if not (pod.workload.rendered and runs_at(pod.workload, BEFORE)):
            continue
        for container in pod.containers:
            for index, entry in enumerate(sequence(container.value.get("env"))):
                value = text(get(entry, "value"))[:1000]
                if not _ADDRESS.search(text(get(entry, "name"))):
                    continue
                name = next((one for one in services if _is_host(one, value)), "")
                if name:
                    yield Problem(
                        container.place("env", index, "value"),
                        f"the {when_it_runs(pod.workload)} hook {pod.workload.kind} "
                        f"{pod.workload.name} asks Service {name}, which is created after it",
                    )


def _is_host(service: str, value: str) -> bool:
    """Return whether an address has a Service as its host."""
    return bool(re.search(rf"(^|//|@|,){re.escape(service)}($|[:/,]|\.[a-z0-9-]+)", value))
