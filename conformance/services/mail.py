"""Every mail that the platform sends, as a mail catcher or Kratos itself has it."""

from __future__ import annotations

import json
import re
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass

import websocket

from conformance.common.soon import soon
from conformance.services.in_cluster import InClusterService

_CODE = re.compile(r"\b\d{6}\b")
"""What Kratos lets in by; as secret as a password while it is valid."""


def code_in(text: str) -> str:
    """Return the first code in a mail. Raises ``AssertionError`` when there is none."""
    if found := _CODE.search(text):
        return found[0]
    raise AssertionError(f"no code in the mail: {text[:200]}")


@dataclass(frozen=True)
class Mail:
    """One mail that was sent."""

    subject: str
    text: str


class Mails(ABC):
    """The mails that a platform sends, as whoever ``api`` is of knows them."""

    def __init__(self, api: InClusterService) -> None:
        self._redactor = api.kube.redactor
        self._timeout = api.kube.timeouts.mail
        self._api = api

    @abstractmethod
    def to(self, address: str) -> list[Mail]:
        """Return the mails to an address, the newest first."""

    @abstractmethod
    def wait_for(self, address: str, number: int = 1, timeout: float | None = None) -> Mail:
        """Wait until ``number`` mails to an address have arrived; return the last of them.

        ``timeout`` is in seconds; None is the client's for a mail. Raises ``AssertionError`` saying
        what arrived.
        """

    def _missing(self, address: str, number: int, timeout: float) -> AssertionError:
        there = [mail.subject for mail in self.to(address)]
        return AssertionError(
            f"mail {number} to {address} did not arrive in {timeout:.0f} s, only {there}"
        )

    def _learnt(self, mail: Mail) -> Mail:
        """Return a mail whose codes are known to be secret."""
        for code in _CODE.findall(mail.text):
            self._redactor.learn_value(code)
        return mail


class MailCatcher(Mails):
    """The catcher (mailpit) in which every mail ends. https://mailpit.axllent.org/docs/api-v1/"""

    def to(self, address: str) -> list[Mail]:
        """Return the mails to an address, the newest first."""
        found = self._api.ask("GET", "/api/v1/search", query=f'to:"{address}"')
        return [self._read(item["ID"]) for item in found["messages"]]

    def wait_for(self, address: str, number: int = 1, timeout: float | None = None) -> Mail:
        """Wait as ``Mails.wait_for``: the catcher tells of each arrival."""
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
                raise self._missing(address, number, timeout) from None
            finally:
                events.close()
        return mails[0]

    def _read(self, message_id: str) -> Mail:
        found = self._api.ask("GET", f"/api/v1/message/{message_id}")
        return self._learnt(Mail(found["Subject"], found["Text"]))


class Courier(Mails):
    """Kratos' courier, whose messages its admin API lists, where no catcher is known.

    https://www.ory.sh/docs/kratos/reference/api#tag/courier
    """

    def to(self, address: str) -> list[Mail]:
        """Return the mails to an address, the newest first."""
        return [mail for _, mail in self._messages(address)]

    def identifiers(self, address: str) -> list[str]:
        """Return what Kratos calls the mails to an address in its log, the newest first.

        Those are among them that it has not sent yet, or could not.
        """
        return [identifier for identifier, _ in self._messages(address)]

    def wait_for(self, address: str, number: int = 1, timeout: float | None = None) -> Mail:
        """Wait as ``Mails.wait_for``; asked again and again, as no event tells of a mail."""
        timeout = self._timeout if timeout is None else timeout
        if not soon(lambda: len(self.to(address)) >= number, within=timeout):
            raise self._missing(address, number, timeout)
        return self.to(address)[0]

    def _messages(self, address: str) -> list[tuple[str, Mail]]:
        found = self._api.ask("GET", "/admin/courier/messages", recipient=address)
        return [(one["id"], self._learnt(Mail(one["subject"], one["body"]))) for one in found or ()]


def _next_arrival(events: websocket.WebSocket, deadline: float) -> None:
    """Return when the catcher tells of a new mail. Raises ``TimeoutError``."""
    while (left := deadline - time.monotonic()) > 0:
        events.settimeout(left)
        if json.loads(events.recv() or "{}").get("Type") == "new":
            return
    raise TimeoutError
