"""Visitors who ask for pages of the platform all the time, and how long they got no answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from conformance.services.availability import AvailabilityMonitor

if TYPE_CHECKING:
    from conformance.kube.client import Kube

DISCOVERY = ".well-known/openid-configuration"


@dataclass(frozen=True)
class Visit:
    """What a visitor saw of one page during the upgrade."""

    url: str
    away: float
    """Seconds without an answer, all outages together."""
    answers: bool
    """Whether it answers at the end."""
    summary: str

    @property
    def page(self) -> str:
        """The address without its scheme, as a name."""
        return self.url.partition("://")[2].rstrip("/")


def pages_of_apps(kube: Kube, session: requests.Session) -> list[str]:
    """Return the first page of each host of an Ingress that answers for itself, with 200."""
    hosts = {
        rule["host"]
        for ingress in kube.list("networking.k8s.io/v1", "Ingress")
        for rule in ingress["spec"].get("rules") or ()
        if rule.get("host")
    }
    return [url for host in sorted(hosts) if _answers(session, url := f"https://{host}/")]


@contextmanager
def visited(pages: Mapping[str, requests.Session]) -> Iterator[dict[str, AvailabilityMonitor]]:
    """Within the body, a visitor asks for each page, by its own session."""
    with ExitStack() as visitors:
        yield {
            url: visitors.enter_context(AvailabilityMonitor(session, url))
            for url, session in pages.items()
        }


def seen(url: str, visitor: AvailabilityMonitor, patience: float) -> Visit:
    """Return what a visitor has seen, once the page answers or ``patience`` seconds are over."""
    with suppress(AssertionError):
        visitor.wait_answer(patience)
    outages = visitor.outages
    answers = all(one.over for one in outages)
    return Visit(url, visitor.outage_seconds, answers, visitor.summary())


def _answers(session: requests.Session, url: str) -> bool:
    try:
        answer = session.get(url, allow_redirects=False)
    except (requests.RequestException, ValueError):  # no answer, or no name of the platform's
        return False
    return bool(answer.status_code == requests.codes.ok)
