"""Stackspin on one cluster, as the suite uses it, whoever installed it."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from conformance.common.course import Step
from conformance.common.timeouts import Timeouts
from conformance.components.waiting import in_thread
from conformance.services.ingress import HttpClient

_IN_THE_BACKGROUND = Step("preparation", "what is made for later checks")

if TYPE_CHECKING:
    from conformance.platform.clients import Clients
    from conformance.services.flux import Flux
    from conformance.services.git import GitServer


class Stack(ABC):
    """Stackspin on one cluster; what is there is used, and what is missing installed or refused.

    The methods raise ``HarnessError`` or ``WaitTimeout``.
    """

    clients: Clients
    """Of its parts, by the names in its description."""

    def __init__(self) -> None:
        self._begun: list[Future[None]] = []

    @abstractmethod
    def flux(self) -> Flux:
        """Return when Flux's controllers run, and follow the repository that the suite writes."""

    @abstractmethod
    def platform(self) -> Flux:
        """Return when the infrastructure of apps is Ready: storage and ingress."""

    @abstractmethod
    def single_sign_on(self) -> Flux:
        """Return when Kratos, Hydra and the dashboard are Ready."""

    @abstractmethod
    def backups(self) -> Flux:
        """Return when the backup location is Available."""

    @property
    @abstractmethod
    def git(self) -> GitServer:
        """The Git repository that the suite writes and Flux follows."""

    @property
    @abstractmethod
    def authority(self) -> bytes:
        """The certificates, PEM, by which clients trust the platform's; empty: the system's own."""

    @abstractmethod
    def http(self) -> HttpClient:
        """Return a new session that reaches the platform's names at the ingress."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return substitutes, and what could not be installed, for the report."""

    @abstractmethod
    def going_on(self) -> dict[str, float]:
        """Return the steps of the installation that go on, and for how many seconds each has."""

    @abstractmethod
    def close(self) -> None:
        """Remove what the suite keeps of it."""

    def begin(self, *installations: Callable[[], object]) -> None:
        """Do these in the background, one after another, for checks that use them later.

        If a level or an app fails here, its error is raised when it is used.
        """

        def install() -> None:
            for each in installations:
                with contextlib.suppress(Exception):
                    each()

        self._begun.append(in_thread("begun installations", install, _IN_THE_BACKGROUND))

    def settle(self) -> None:
        """Return when all that was begun in the background is over."""
        for installed in self._begun:
            installed.result()

    def _session(self, domain: str, address: str, timeouts: Timeouts) -> HttpClient:
        return HttpClient(domain, address, self.authority, timeouts=timeouts)
