"""What is wrong with the platform on which a twin of a dashboard check runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from conformance.apps.tracked import APPS_NAMESPACE, TRACKED
from conformance.capabilities.dashboard.releases import RELEASE
from conformance.kube.watching import Canceller, watch_objects
from conformance.services.flux import flux_object

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.services.flux import Flux

WATCHED = 900.0
"""Seconds, more than any check takes."""


@pytest.fixture
def resumed_by_next_commit(kube: Kube, single_sign_on: Flux) -> Iterator[None]:  # noqa: ARG001
    """Suspended apps are resumed in the API as soon as Flux has fetched the next commit."""
    canceller = Canceller()
    with ThreadPoolExecutor(1) as executor:
        resuming = executor.submit(_resume_at_commits, kube, canceller)
        yield
        canceller.cancel()
    resuming.result()


def _resume_at_commits(kube: Kube, canceller: Canceller) -> None:
    """Resume what is suspended at each new commit, until cancelled."""
    tracked = flux_object("GitRepository", TRACKED).alone
    resource = kube.discovery.find(tracked.api_version, tracked.kind)
    deadline = time.monotonic() + WATCHED
    fetched = None
    for event in watch_objects(kube.transport, resource, tracked, "0", deadline, canceller):
        if event.type == "BOOKMARK":
            continue
        before, fetched = fetched, event.object["status"]["artifact"]["revision"]
        if before in {None, fetched}:
            continue
        for release in kube.list(*RELEASE, APPS_NAMESPACE):
            if release["spec"].get("suspend"):
                name = release["metadata"]["name"]
                kube.patch(*RELEASE, name, APPS_NAMESPACE, {"spec": {"suspend": False}})
