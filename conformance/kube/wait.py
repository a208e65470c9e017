"""The one way to wait: list, watch from that resource version, list again after a cut."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Sequence
from dataclasses import dataclass

from conformance.kube.client import Kube
from conformance.kube.conditions import (
    Condition,
    condition_false,
    condition_true,
    deleted,
    exists,
    image_unavailable,
    matching,
    phase,
    ready,
    reconciled,
    rolled_out,
)
from conformance.kube.errors import ApiError, Forbidden, Gone, UnknownKind, Unreachable
from conformance.kube.explain import explain
from conformance.kube.objects import Object, Selection
from conformance.kube.transport import within
from conformance.kube.watching import (
    Canceller,
    Event,
    list_objects,
    watch_objects,
)
from conformance.settings import Timeouts

__all__ = [
    "Condition",
    "Wait",
    "WaitFailed",
    "WaitTimeout",
    "condition_false",
    "condition_true",
    "deleted",
    "exists",
    "image_unavailable",
    "matching",
    "phase",
    "ready",
    "reconciled",
    "rolled_out",
    "wait_all",
    "wait_for",
]

_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Seconds between attempts while the API server is away; nothing can tell when it is back."""


class WaitFailed(AssertionError):
    """What was awaited can no longer happen; the text explains what was seen instead."""


class WaitTimeout(WaitFailed):
    """What was awaited did not happen in time; the text explains what was seen instead."""


class _Cancelled(Exception):
    """Another wait of the same ``wait_all`` has failed."""


@dataclass(frozen=True)
class Wait:
    """One thing to wait for; ``name=None`` means all objects that labels and fields select.

    Of a selection, at least ``minimum`` must exist and each must satisfy the condition.
    """

    condition: Condition
    api_version: str
    kind: str
    name: str | None = None
    namespace: str | None = None
    labels: str | None = None
    fail_on: Condition | None = None
    minimum: int = 1
    fields: str | None = None

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        selectors = ",".join(part for part in (self.labels, self.fields) if part)
        labels = f" with {selectors}" if selectors else ""
        which = self.name if self.name is not None else f"(each{labels})"
        return f"{self.kind} {which}{where} to be: {self.condition.description}"


def wait_for(
    kube: Kube,
    condition: Condition,
    api_version: str,
    kind: str,
    name: str | None = None,
    namespace: str | None = None,
    labels: str | None = None,
    *,
    timeout: float = Timeouts.pod_ready,
    fail_on: Condition | None = None,
    minimum: int = 1,
    fields: str | None = None,
) -> Object | list[Object]:
    """Wait until the condition holds; return the object, or the list where ``name`` is None.

    Returns on the event itself. An API server that is away, restarts or hangs is waited for within
    ``timeout`` (seconds), as is a kind whose CRD comes later. ``deleted()`` returns an empty dict
    or list. Raises ``WaitFailed`` as soon as ``fail_on`` holds of an object, ``WaitTimeout``.
    """
    wanted = Wait(condition, api_version, kind, name, namespace, labels, fail_on, minimum, fields)
    return _Follower(kube, wanted, timeout, Canceller()).run()


def wait_all(
    kube: Kube, waits: Sequence[Wait], *, timeout: float = Timeouts.pod_ready
) -> list[Object | list[Object]]:
    """Wait for several things at once; return what each wait returns, in their order.

    The first failure ends the others and is raised.
    """
    if not waits:
        return []
    cancellers = [Canceller() for _ in waits]
    with concurrent.futures.ThreadPoolExecutor(len(waits), "wait") as executor:
        futures = [
            executor.submit(_Follower(kube, wanted, timeout, canceller).run)
            for wanted, canceller in zip(waits, cancellers, strict=True)
        ]
        for future in concurrent.futures.as_completed(futures):
            if error := future.exception():
                for canceller in cancellers:
                    canceller.cancel()
                raise error
        return [future.result() for future in futures]


class _Follower:
    """One wait in progress: the objects as last seen, and why the API did not answer, if so."""

    def __init__(self, kube: Kube, wanted: Wait, timeout: float, canceller: Canceller) -> None:
        self.kube = kube
        self.wanted = wanted
        self.timeout = timeout
        self.canceller = canceller
        self.deadline = time.monotonic() + timeout
        self.seen: dict[str, Object] = {}
        self.trouble: Exception | None = None
        self.answered = False

    def run(self) -> Object | list[Object]:
        attempt = 0
        while True:
            started = time.monotonic()
            try:
                if self._follow():
                    return self._result()
                self.trouble = None
            except (Unreachable, ApiError) as error:
                if not self._passing(error):
                    raise
                self.trouble = error
            if self.canceller.cancelled:
                raise _Cancelled
            remaining = self.deadline - time.monotonic()
            if remaining <= 0:
                raise WaitTimeout(self._text(f"Waited {self.timeout:g} s for"))
            attempt = 0 if time.monotonic() - started > 1.0 else attempt + 1
            pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
            time.sleep(min(pause, remaining))

    def _follow(self) -> bool:
        """List and watch once; True when done, False when the watch ended before."""
        wanted = self.wanted
        remaining = max(0.5, self.deadline - time.monotonic())
        try:
            with within(remaining):
                resource = self.kube.discovery.find(wanted.api_version, wanted.kind)
        except UnknownKind:
            self.seen = {}
            if self._satisfied():  # deleted, with its CRD
                return True
            raise
        by_name = f"metadata.name={wanted.name}" if wanted.name is not None else None
        fields = ",".join(part for part in (by_name, wanted.fields) if part) or None
        selection = Selection(
            wanted.api_version, wanted.kind, wanted.namespace, wanted.labels, fields
        )
        items, version = list_objects(self.kube.transport, resource, selection, remaining)
        self.answered = True
        self.seen = {_key(item): item for item in items}
        if self._satisfied():
            return True
        for event in watch_objects(
            self.kube.transport, resource, selection, version, self.deadline, self.canceller
        ):
            self._note(event)
            if event.type != "BOOKMARK" and self._satisfied():
                return True
        return False

    def _note(self, event: Event) -> None:
        if event.type == "DELETED":
            self.seen.pop(_key(event.object), None)
        elif event.type != "BOOKMARK":
            self.seen[_key(event.object)] = event.object

    def _satisfied(self) -> bool:
        wanted = self.wanted
        items: list[Object | None] = [*self.seen.values()]
        if wanted.fail_on is not None:
            for item in items:
                if wanted.fail_on.test(item):
                    because = f"It is: {wanted.fail_on.description}. Waited for"
                    raise WaitFailed(self._text(because))
        if wanted.name is not None:
            return wanted.condition.test(items[0] if items else None)
        if wanted.condition.test(None):  # deleted: none may be left
            return all(wanted.condition.test(item) for item in items)
        return len(items) >= wanted.minimum and all(wanted.condition.test(item) for item in items)

    def _result(self) -> Object | list[Object]:
        items = list(self.seen.values())
        if self.wanted.name is None:
            return items
        return items[0] if items else {}

    def _passing(self, error: Exception) -> bool:
        """Whether the trouble may end by itself within the wait."""
        if isinstance(error, Forbidden):
            return self.answered  # a restarted API server denies until its caches are filled
        if isinstance(error, Unreachable | Gone | UnknownKind):
            return True
        return isinstance(error, ApiError) and (error.status >= 500 or error.status == 429)

    def _text(self, opening: str) -> str:
        wanted = self.wanted
        unmet = [item for item in self.seen.values() if not wanted.condition.test(item)]
        count = f" ({len(unmet)} of {len(self.seen)} are not)" if len(self.seen) > 1 else ""
        return explain(
            self.kube,
            f"{opening} {wanted}{count}",
            unmet or list(self.seen.values()),
            self.trouble,
            lambda: self.kube.list(wanted.api_version, wanted.kind, wanted.namespace),
        )


def _key(item: Object) -> str:
    metadata = item["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"
