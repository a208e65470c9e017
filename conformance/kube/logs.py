"""A container's log, followed until it says what is awaited.

What a process logs arrives behind its answers: the line goes from the container through the runtime
to a file. A log that is read once, however late, may be read too early.
"""

from __future__ import annotations

import time
from collections import deque

from conformance.kube.client import Kube
from conformance.kube.errors import ApiError, Unreachable
from conformance.kube.wait import WaitTimeout

_AGAIN = 0.2
"""Seconds between two attempts to follow: nothing tells when a container has a log again."""
_TAIL = 15
"""Lines of the log that a time-out quotes."""


def wait_for_line(
    kube: Kube,
    namespace: str,
    pod: str,
    *texts: str,
    container: str | None = None,
    timeout: float | None = None,
) -> str:
    """Return the first line of a container's log that has all of ``texts`` in it.

    Follows the log, and follows it again when the stream ends before: the container or the API
    server was restarted. Raises ``WaitTimeout``, with the log's end, after ``timeout`` seconds (by
    default the client's for a log).
    """
    path = kube.discovery.find("v1", "Pod").path(namespace, pod) + "/log"
    timeout = kube.timeouts.log if timeout is None else timeout
    deadline = time.monotonic() + timeout
    tail: deque[str] = deque(maxlen=_TAIL)
    while True:
        try:
            with kube.transport.stream(
                path, {"follow": True, "container": container}, deadline
            ) as stream:
                tail.clear()  # the log from its beginning
                for line in stream:
                    tail.append(line.decode(errors="replace"))
                    if all(text in tail[-1] for text in texts):
                        return tail[-1]
        except (ApiError, Unreachable) as error:
            tail.append(f"(the log cannot be read: {error})")
        if (left := deadline - time.monotonic()) <= 0:
            wanted = " and ".join(repr(text) for text in texts)
            seen = "\n    ".join(tail) or "(nothing)"
            raise WaitTimeout(
                kube.redactor.redact(
                    f"Waited {timeout:g} s for a line with {wanted} in the log of pod {pod} in "
                    f"{namespace}; it ends:\n    {seen}"
                )
            )
        time.sleep(min(_AGAIN, left))
