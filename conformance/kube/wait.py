"""The one way to wait: list, watch from that resource version, list again after a cut."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conformance.common.load import LoadMeter
from conformance.common.transcript import carried, paused, record
from conformance.kube.client import Kube
from conformance.kube.conditions import Condition
from conformance.kube.errors import ApiError, Forbidden, Gone, UnknownKind, Unreachable
from conformance.kube.explain import explain
from conformance.kube.objects import Object, Objects, Ref, Selection
from conformance.kube.seen import each_in_short
from conformance.kube.transport import within
from conformance.kube.watching import (
    Canceller,
    Event,
    list_objects,
    watch_objects,
)

_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Seconds between attempts while the API server is away; nothing can tell when it is back."""
_LOOK = 3.0
"""Seconds between looks at what may make a wait vain; that time passes, no event tells."""
_BUSY = 50.0
"""Percent of the time from which on a busy machine may be why something took too long."""


class WaitFailed(AssertionError):
    """What was awaited can no longer happen; the text explains what was seen instead."""


class WaitTimeout(WaitFailed):
    """What was awaited did not happen in time; the text explains what was seen instead."""


class _Cancelled(Exception):
    """Another wait of the same ``wait_all`` has failed."""


@dataclass(frozen=True)
class Wait:
    """One thing to wait for: that an object, or each of a selection, satisfies the condition.

    Of a selection, at least ``minimum`` objects must exist.
    """

    target: Ref | Selection
    condition: Condition
    fail_on: Condition | None = None
    minimum: int = 1

    def __str__(self) -> str:
        return f"{self.target} to be: {self.condition.description}"

    @property
    def selection(self) -> Selection:
        """What to list and watch."""
        return self.target.alone if isinstance(self.target, Ref) else self.target


def wait(
    kube: Kube,
    ref: Ref,
    condition: Condition,
    *,
    timeout: float | None = None,
    fail_on: Condition | None = None,
) -> Object:
    """Wait until the condition holds of an object, and return it; an empty dict once deleted.

    Returns on the event itself. An API server that is away, restarts or hangs is waited for within
    ``timeout`` (seconds; by default the client's for a pod), as is a kind whose CRD comes later.
    Raises ``WaitFailed`` as soon as ``fail_on`` holds, ``WaitTimeout``.
    """
    found = _Follower(kube, Wait(ref, condition, fail_on), timeout, Canceller()).run()
    return found[0] if found else {}


def wait_each(
    kube: Kube,
    selection: Selection,
    condition: Condition,
    *,
    minimum: int = 1,
    timeout: float | None = None,
    fail_on: Condition | None = None,
) -> Objects:
    """Wait until the condition holds of each object of a selection, and return them.

    At least ``minimum`` must exist; with ``deleted()`` none may be left. Otherwise as ``wait``.
    """
    wanted = Wait(selection, condition, fail_on, minimum)
    return _Follower(kube, wanted, timeout, Canceller()).run()


def wait_all(
    kube: Kube,
    waits: Sequence[Wait],
    *,
    timeout: float | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> None:
    """Wait for several things at once, ``timeout`` seconds at most for all of them.

    The first failure, or an interruption, ends the others and is raised; so does what
    ``meanwhile`` raises, which is called every few seconds.
    """
    if not waits:
        return
    cancellers = [Canceller() for _ in waits]
    begun = [
        _begun(carried(_Follower(kube, wanted, timeout, canceller).run))
        for wanted, canceller in zip(waits, cancellers, strict=True)
    ]
    pending = set(begun)
    try:
        while pending:
            done, pending = concurrent.futures.wait(
                pending,
                timeout=None if meanwhile is None else _LOOK,
                return_when=concurrent.futures.FIRST_COMPLETED,
            )
            for future in done:
                future.result()
            if pending and meanwhile is not None:
                meanwhile()
    finally:  # also when somebody interrupts it
        for canceller in cancellers:
            canceller.cancel()
        concurrent.futures.wait(begun)


def _begun(action: Callable[[], Objects]) -> concurrent.futures.Future[Objects]:
    """Begin an action in a thread that the end of the process does not wait for.

    It does for those of an executor: a run that was interrupted, whose cluster is gone, would go on
    asking until the time-out.
    """
    future: concurrent.futures.Future[Objects] = concurrent.futures.Future()

    def work() -> None:
        try:
            future.set_result(action())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, name="wait", daemon=True).start()
    return future


class _Follower:
    """One wait in progress: the objects as last seen, and why the API did not answer, if so."""

    def __init__(
        self, kube: Kube, wanted: Wait, timeout: float | None, canceller: Canceller
    ) -> None:
        self.kube = kube
        self.wanted = wanted
        self.timeout = kube.timeouts.pod_ready if timeout is None else timeout
        self.canceller = canceller
        self.deadline = time.monotonic() + self.timeout
        self.load = LoadMeter()
        self.seen: dict[str, Object] = {}
        self.trouble: Exception | None = None
        self.answered = False

    def run(self) -> Objects:
        """Return the objects as they are when the condition holds of them.

        A transcript says what came of it, not which requests that took.
        """
        ended = "given up"
        try:
            with paused():
                found = self._run()
            ended = "seen"
            return found
        finally:
            seen = each_in_short([*self.seen.values()]) or "no such object"
            record(f"wait for {self.wanted}", f"{ended}: {seen}")

    def _run(self) -> Objects:
        attempt = 0
        while True:
            started = time.monotonic()
            try:
                if self._follow():
                    return list(self.seen.values())
                self.trouble = None
            except (Unreachable, ApiError) as error:
                if not self._passing(error):
                    raise
                self.trouble = error
            if self.canceller.cancelled:
                raise _Cancelled
            remaining = self.deadline - time.monotonic()
            if remaining <= 0:
                raise WaitTimeout(self._text(f"Waited {self.timeout:g} s for", self._busy()))
            attempt = 0 if time.monotonic() - started > 1.0 else attempt + 1
            pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
            time.sleep(min(pause, remaining))

    def _follow(self) -> bool:
        """List and watch once; True when done, False when the watch ended before."""
        selection = self.wanted.selection
        remaining = max(0.5, self.deadline - time.monotonic())
        try:
            with within(remaining):
                resource = self.kube.discovery.find(selection.api_version, selection.kind)
        except UnknownKind:
            self.seen = {}
            if self._satisfied():  # deleted, with its CRD
                return True
            raise
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
        if isinstance(wanted.target, Ref):
            return wanted.condition.test(items[0] if items else None)
        if wanted.condition.test(None):  # deleted: none may be left
            return all(wanted.condition.test(item) for item in items)
        return len(items) >= wanted.minimum and all(wanted.condition.test(item) for item in items)

    def _passing(self, error: Exception) -> bool:
        """Whether the trouble may end by itself within the wait."""
        if isinstance(error, Forbidden):
            return self.answered  # a restarted API server denies until its caches are filled
        if isinstance(error, Unreachable | Gone | UnknownKind):
            return True
        return isinstance(error, ApiError) and (error.status >= 500 or error.status == 429)

    def _busy(self) -> str:
        """Return in words how busy this machine was since the wait began; empty if it was not."""
        load = self.load.read()
        if load.percent < _BUSY:
            return ""
        return f"\n  this machine was busy ({load}): if it is only slow, give --timeout-factor=3"

    def _text(self, opening: str, more: str = "") -> str:
        wanted, target = self.wanted, self.wanted.target
        unmet = [item for item in self.seen.values() if not wanted.condition.test(item)]
        count = f" ({len(unmet)} of {len(self.seen)} are not)" if len(self.seen) > 1 else ""
        return explain(
            self.kube,
            f"{opening} {wanted}{count}{more}",
            unmet or list(self.seen.values()),
            self.trouble,
            lambda: self.kube.list(target.api_version, target.kind, target.namespace),
        )


def _key(item: Object) -> str:
    metadata = item["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"
