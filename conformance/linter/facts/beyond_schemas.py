"""What the API server refuses though the schema of its kind allows it.

https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/validation/validation.go and
pkg/apis/batch/validation/validation.go
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.linter.access import mapping
from conformance.linter.facts.resources import wrong_resources
from conformance.linter.facts.violations import Violation, dotted, listed
from conformance.linter.findings import quoted
from conformance.linter.manifest import Manifest
from conformance.linter.pods import Container, Pod, pods_of

_ENDS = ("Never", "OnFailure")
_OF_SERVERS = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
_FIELDS = 5
_NAMED = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")


def beyond_schemas(manifest: Manifest) -> Iterator[Violation]:
    """Yield what the API server refuses of an object that its schema allows."""
    if manifest.kind == "CronJob":
        yield from _schedule(manifest)
    for pod in pods_of([manifest]):
        yield from _restart_policy(manifest, pod)
        for container in pod.containers:
            yield from _of_init_container(pod, container)
            path = (*pod.path, *container.path, "resources")
            for one in wrong_resources(mapping(container.value.get("resources"))):
                says = f"{dotted(path)}: {one.message}"
                yield Violation((*path, *one.path), says, one.fix)


def _schedule(manifest: Manifest) -> Iterator[Violation]:
    schedule = manifest.get("spec", "schedule")
    if not isinstance(schedule, str):
        return
    if schedule in _NAMED or schedule.startswith("@every ") or len(schedule.split()) == _FIELDS:
        return
    yield Violation(
        ("spec", "schedule"),
        f"spec.schedule is {quoted(schedule)}, which does not have {_FIELDS} fields",
        'Write minute, hour, day, month and weekday, as in "15 3 * * *".',
    )


def _restart_policy(manifest: Manifest, pod: Pod) -> Iterator[Violation]:
    policy = pod.get("spec", "restartPolicy")
    if (
        manifest.kind in ("Job", "CronJob")
        and isinstance(pod.get("spec"), Mapping)
        and policy in (None, "Always")
    ):
        path = (*pod.path, "spec", "restartPolicy")
        yield Violation(
            path,
            f"{dotted(path)} of a {manifest.kind} must be {listed(_ENDS)}",
            "Write restartPolicy: OnFailure.",
        )


def _of_init_container(pod: Pod, container: Container) -> Iterator[Violation]:
    if not container.init:
        return
    for key in _OF_SERVERS:
        if container.value.get(key) is not None:
            path = (*pod.path, *container.path, key)
            yield Violation(
                path,
                f"{dotted(path)} is for containers that run on, and init container "
                f"{container.name} ends",
                f"Remove {key}, or write restartPolicy: Always if it runs beside the others.",
            )
