"""Why something awaited did not happen: status, events, and the logs of the pods behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from conformance.common.errors import HarnessError
from conformance.common.redaction import Redactor
from conformance.kube.client import Kube
from conformance.kube.describe import container_lines, event_line, event_time, status_lines, title
from conformance.kube.errors import ApiError, UnknownKind, Unreachable
from conformance.kube.objects import Object, Objects
from conformance.kube.ownership import pods_behind
from conformance.kube.transport import within

_SECONDS = 10.0
"""Seconds to find out why; measured 0.1 on an idle node."""
_NAMED_IN_SECRETS = (
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("networking.k8s.io/v1", "Ingress"),
)
"""Kinds of the objects whose names charts' values have, beside those of Secrets."""
_OBJECTS, _PODS, _EVENTS, _LOG_LINES = 4, 4, 8, 15
_LOG_LIMIT = 2500
"""Characters of one log's tail."""
_LIMIT = 20000
"""Characters of the whole text."""


def explain(
    kube: Kube,
    opening: str,
    unmet: Objects,
    trouble: Exception | None,
    others: Callable[[], Objects],
) -> str:
    """Return a text of bounded size, without secrets, that starts with ``opening``.

    ``unmet`` are the objects that are not as awaited; ``others`` lists what else there is of the
    kind, which is told where nothing was seen. Whatever cannot be read is said, never raised.
    """
    lines = [opening]
    if trouble is not None:
        lines.append(f"  the last attempt to ask the API server failed: {trouble}")
    if not isinstance(trouble, Unreachable | UnknownKind):
        with within(_SECONDS):
            lines += _details(kube, unmet, others)
    text = kube.redactor.redact("\n".join(line.rstrip() for line in lines))
    if len(text) > _LIMIT:
        text = f"{text[: _LIMIT // 2]}\n  [... shortened ...]\n{text[-_LIMIT // 2 :]}"
    return text


def learn_secrets(kube: Kube, redactor: Redactor) -> None:
    """Teach the redactor every Secret of the cluster, but what objects are called.

    Secrets hold names, too: of the claim and the host in a chart's values, say. Whoever may read a
    report sees them everywhere, so hiding them hides nothing, and each would count as a leak.
    """
    learnt = kube.list("v1", "Secret")
    for secret in learnt:
        redactor.learn(secret)
    redactor.allow(*_names_in(learnt))
    for api_version, kind in _NAMED_IN_SECRETS:
        with suppress(ApiError, HarnessError):  # what is learnt counts
            redactor.allow(*_names_in(kube.list(api_version, kind)))


def _names_in(items: Objects) -> Iterator[str]:
    """Yield what says which object each is: names, labels, and the hosts of an Ingress."""
    for item in items:
        metadata = item["metadata"]
        yield metadata["name"]
        yield metadata.get("namespace", "default")
        yield from (metadata.get("labels") or {}).values()
        for rule in (item.get("spec") or {}).get("rules") or ():
            if host := rule.get("host"):
                yield host
                yield f"https://{host}"
                yield f"https://{host}/"


def _details(kube: Kube, unmet: Objects, others: Callable[[], Objects]) -> Iterator[str]:
    try:
        learn_secrets(kube, kube.redactor)
        if not unmet:
            yield "  there is no such object; of its kind there are" + _names(others())
        for item in unmet[:_OBJECTS]:
            yield from _object(kube, item)
        if len(unmet) > _OBJECTS:
            yield f"  and {len(unmet) - _OBJECTS} more" + _names(unmet[_OBJECTS:])
    except ApiError as error:
        yield f"  more could not be read: {error}"
    except HarnessError as error:
        # Without how to fix that: what was awaited is what has to be fixed.
        yield f"  more could not be read: {error.message}"


def _object(kube: Kube, item: Object) -> Iterator[str]:
    yield f"  {title(item)}:"
    yield from _indent(status_lines(item), 4)
    pods = pods_behind(kube, item)
    shown = pods[:_PODS]
    for namespace in sorted({one["metadata"].get("namespace", "") for one in [item, *shown]}):
        yield from _indent(_events(kube, namespace, [item, *shown]), 4)
    for pod in shown:
        if pod["metadata"].get("uid") != item["metadata"].get("uid"):
            yield f"    {title(pod)}: {pod.get('status', {}).get('phase')}"
            yield from _indent(container_lines(pod), 6)
        yield from _indent(_logs(kube, pod), 6)
    if len(pods) > _PODS:
        yield f"    and {len(pods) - _PODS} more pods" + _names(pods[_PODS:])


def _events(kube: Kube, namespace: str, about: Objects) -> Iterator[str]:
    wanted = {(one["kind"], one["metadata"]["name"]) for one in about}
    found = [
        event
        for event in kube.list("v1", "Event", namespace or "default")
        if (event["involvedObject"].get("kind"), event["involvedObject"].get("name")) in wanted
    ]
    if found:
        yield f"events in {namespace or 'default'}:"
    for event in sorted(found, key=event_time)[-_EVENTS:]:
        yield f"  {event_line(event)}"


def _logs(kube: Kube, pod: Object) -> Iterator[str]:
    status = pod.get("status") or {}
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    failed_init = [
        one
        for one in status.get("initContainerStatuses") or ()
        if (one["state"].get("terminated") or {}).get("exitCode") != 0
    ]
    for container in [*failed_init, *(status.get("containerStatuses") or ())]:
        state = container.get("state") or {}
        previous = "waiting" in state and container.get("restartCount", 0) > 0
        if "waiting" in state and not previous:
            continue  # never started
        try:
            text = kube.logs(namespace, name, container["name"], _LOG_LINES, previous)
        except ApiError as error:
            text = f"(no log: {error.message})"
        if text.strip():
            yield f"log of {container['name']}{' before its restart' if previous else ''}:"
            yield from _indent(text[-_LOG_LIMIT:].strip().splitlines(), 2)


def _names(items: Objects) -> str:
    names = [item["metadata"]["name"] for item in items[:10]]
    return f": {', '.join(names)}" if names else " none"


def _indent(lines: Iterable[str], width: int) -> Iterator[str]:
    return (" " * width + line for line in lines)
