"""The mail catcher (mailpit): every mail that the platform sends ends there.

https://mailpit.axllent.org/docs/api-v1/
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass

import websocket

from conformance.services.in_cluster import InClusterService

_CODE = re.compile(r"\b\d{6}\b")
"""What Kratos lets in by; as secret as a password while it is valid."""


@dataclass(frozen=True)
class Mail:
    """One mail that was sent."""

    sender: str
    subject: str
    text: str


class MailCatcher:
    """The catcher whose API is ``api``."""

    def __init__(self, api: InClusterService) -> None:
        self._redactor = api.kube.redactor
        self._timeout = api.kube.timeouts.mail
        self._api = api

    def to(self, address: str) -> list[Mail]:
        """Return the mails to an address, the newest first."""
        found = self._api.ask("GET", "/api/v1/search", query=f'to:"{address}"')
        return [self._read(item["ID"]) for item in found["messages"]]

    def wait_for(self, address: str, number: int = 1, timeout: float | None = None) -> Mail:
        """Wait until ``number`` mails to an address have arrived; return the last of them.

        ``timeout`` is in seconds; None is the client's for a mail. Raises ``AssertionError`` saying
        what arrived.
        """
        timeout = self._timeout if timeout is None else timeout
        deadline = time.monotonic() + timeout
        with self._api.address() as listening:
            events = websocket.create_connection(
                f"ws://{listening}/api/events", timeout=timeout, suppress_origin=True
            )
            try:
                while len(mails := self.to(address)) < number:
                    _next_arrival(events, deadline)
            except (websocket.WebSocketTimeoutException, TimeoutError):
                there = [mail.subject for mail in self.to(address)]
                raise AssertionError(
                    f"mail {number} to {address} did not arrive in {timeout:.0f} s, only {there}"
                ) from None
            finally:
                events.close()
        return mails[0]

    def _read(self, message_id: str) -> Mail:
        found = self._api.ask("GET", f"/api/v1/message/{message_id}")
        for code in _CODE.findall(found["Text"]):
            self._redactor.learn_value(code)
        return Mail(found["From"]["Address"], found["Subject"], found["Text"])


def _next_arrival(events: websocket.WebSocket, deadline: float) -> None:
    """Return when the catcher tells of a new mail. Raises ``TimeoutError``."""
    while (left := deadline - time.monotonic()) > 0:
        events.settimeout(left)
        if json.loads(events.recv() or "{}").get("Type") == "new":
            return
    raise TimeoutError
