"""API objects in words: short lines for people, as ``kubectl describe`` has them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from conformance.kube.conditions import deployed_revision, find_condition, is_current, rolled_out
from conformance.kube.objects import Object

_MESSAGE = 600
"""Characters of one message; Helm and kustomize errors hold whole manifests."""
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_BAD_PHASES = ("Failed", "PartiallyFailed", "FailedValidation", "Unavailable", "Lost")


def title(item: Object) -> str:
    """Return ``Kind name``, with the namespace where there is one."""
    metadata = item["metadata"]
    where = f" in {metadata['namespace']}" if metadata.get("namespace") else ""
    return f"{item['kind']} {metadata['name']}{where}"


def status_lines(item: Object) -> Iterator[str]:
    """Yield what the status says: phase, replicas, generation, each condition."""
    metadata, status = item["metadata"], item.get("status") or {}
    if since := metadata.get("deletionTimestamp"):
        holders = ", ".join(metadata.get("finalizers") or ("none",))
        yield f"being deleted since {since}, finalizers: {holders}"
    if not status:
        yield "no status yet"
        return
    if not is_current(item):
        yield _behind(status, metadata["generation"])
    if "phase" in status:
        yield f"phase {status['phase']}" + _because(status)
    if item["kind"] in WORKLOADS:
        yield replicas(item)
    if revision := deployed_revision(item):
        handled = status.get("lastHandledReconcileAt")
        yield f"revision {revision}" + (f", last request handled: {handled}" if handled else "")
    for condition in status.get("conditions") or ():
        yield condition_line(condition)
    if item["kind"] == "Pod":
        yield from container_lines(item)


def condition_line(condition: Object) -> str:
    """Return ``Type=Status (Reason, age): message``."""
    details = [condition.get("reason", "")]
    if since := condition.get("lastTransitionTime"):
        details.append(f"since {age(since)}")
    text = f"{condition['type']}={condition['status']}"
    text += f" ({', '.join(part for part in details if part)})"
    return text + (f": {shorten(condition['message'])}" if condition.get("message") else "")


def container_lines(pod: Object) -> Iterator[str]:
    """Yield the state of each container of a pod that has one."""
    status = pod.get("status") or {}
    for group in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(group) or ():
            what = "init container" if group.startswith("init") else "container"
            line = f"{what} {container['name']}: {_state(container.get('state') or {})}"
            if restarts := container.get("restartCount"):
                line += f", restarted {restarts} times"
                if last := (container.get("lastState") or {}).get("terminated"):
                    line += f" (last: {_state({'terminated': last})})"
            if not container.get("ready") and "running" in (container.get("state") or {}):
                line += ", not ready"
            yield line


def problem(item: Object) -> str | None:
    """Return what is not right with an object in one paragraph, or None."""
    kind, status = item["kind"], item.get("status") or {}
    found: list[str] = []
    if since := item["metadata"].get("deletionTimestamp"):
        found.append(f"being deleted since {age(since)}")
    if kind == "Pod":
        found += _pod_problems(item)
    elif kind in WORKLOADS:
        if not rolled_out().test(item):
            found.append(replicas(item))
    elif kind == "PersistentVolumeClaim":
        if status.get("phase") != "Bound":
            found.append(f"phase {status.get('phase')}")
    elif kind == "EndpointSlice":
        endpoints = item.get("endpoints") or ()
        if endpoints and not any(one["conditions"].get("ready") for one in endpoints):
            found.append("none of its endpoints is ready")
    else:
        found += _condition_problems(item)
        if status.get("phase") in _BAD_PHASES:
            found.append(f"phase {status['phase']}{_because(status)}")
    if (item.get("spec") or {}).get("suspend") is True:
        found.append("suspended")
    return "; ".join(found) or None


def event_time(event: Object) -> str:
    """Return when an event was last seen, whichever API wrote it; sorts as text."""
    series: Object = event.get("series") or {}
    return str(
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or event.get("firstTimestamp")
        or event["metadata"].get("creationTimestamp")
        or ""
    )


def event_line(event: Object) -> str:
    """Return one event as ``time type reason object: message (times)``."""
    about = event.get("involvedObject") or {}
    times = (event.get("series") or {}).get("count") or event.get("count") or 1
    line = (
        f"{event_time(event)[:19]:19} {event.get('type') or '':7} {event.get('reason') or '':24}"
        f" {about.get('kind', '')}/{about.get('name', '')}: {shorten(event.get('message') or '')}"
    )
    return f"{line} (x{times})" if times > 1 else line


def age(timestamp: str) -> str:
    """Return how long ago an RFC 3339 time was: ``12 s``, ``5 min``, ``3 h``."""
    then = datetime.fromisoformat(timestamp)
    seconds = int((datetime.now(UTC) - then).total_seconds())
    if seconds < 120:
        return f"{max(seconds, 0)} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def shorten(text: str, limit: int = _MESSAGE) -> str:
    """Return the text in one line, the middle cut out where it is long."""
    flat = " ".join(text.split())
    if len(flat) <= limit:
        return flat
    return f"{flat[: limit // 2]} [...] {flat[-limit // 2 :]}"


def _pod_problems(pod: Object) -> Iterator[str]:
    status = pod.get("status") or {}
    if status.get("phase") == "Succeeded":
        return
    ready = find_condition(pod, "Ready")
    restarted = any(one.get("restartCount") for one in status.get("containerStatuses") or ())
    if ready is not None and ready["status"] == "True" and not restarted:
        return
    if ready is None or ready["status"] != "True":
        yield f"not Ready, phase {status.get('phase')}{_because(status)}"
    scheduled = find_condition(pod, "PodScheduled")
    if scheduled is not None and scheduled["status"] != "True":
        yield f"not scheduled: {shorten(scheduled.get('message', ''))}"
    for line in container_lines(pod):
        if not line.endswith((": running", "terminated with 0 (Completed)")):
            yield line


def _condition_problems(item: Object) -> Iterator[str]:
    for condition in (item.get("status") or {}).get("conditions") or ():
        good = {"Ready": "True", "Available": "True", "Established": "True", "Complete": "True"}
        bad = ("Stalled", "Failed", "MemoryPressure", "DiskPressure", "PIDPressure")
        wrong = condition["type"] in bad and condition["status"] == "True"
        missing = condition["status"] != good.get(condition["type"], condition["status"])
        if wrong or missing:
            yield condition_line(condition)


def replicas(item: Object) -> str:
    """Return how many replicas of a workload are wanted, up to date and available."""
    status = item.get("status") or {}
    if item["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        have = (status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0))
    else:
        wanted = item["spec"].get("replicas", 1)
        have = (status.get("updatedReplicas", 0), status.get("availableReplicas", 0))
    total = status.get("replicas", have[0])
    extra = f", {total - have[0]} of an older template" if total > have[0] else ""
    return f"of {wanted} replicas {have[0]} are up to date and {have[1]} available{extra}"


def _state(state: dict[str, Any]) -> str:
    for name, details in state.items():
        if name == "running":
            return "running"
        if name == "waiting":
            message = shorten(details.get("message", ""))
            return f"waiting: {details.get('reason', '')}" + (f" ({message})" if message else "")
        message = shorten(details.get("message", ""))
        text = f"terminated with {details.get('exitCode')} ({details.get('reason', '')})"
        return text + (f": {message}" if message else "")
    return "not started"


def _behind(status: Object, generation: int) -> str:
    """Return what the status is short of; for Flux it is behind until an object is reconciled.

    Flux begins with generation -1, and has that of the object in each condition:
    https://fluxcd.io/flux/components/kustomize/kustomizations/#observed-generation
    """
    observed = status.get("observedGeneration", 0)
    conditions = status.get("conditions") or ()
    if observed == -1 or any(one.get("observedGeneration") == generation for one in conditions):
        return f"generation {generation} is not reconciled with success yet"
    return f"its controller has seen generation {observed}, not yet {generation}"


def _because(status: Object) -> str:
    parts = (status.get("reason", ""), shorten(status.get("message") or ""))
    text = ": ".join(part for part in parts if part)
    return f" ({text})" if text else ""
