"""What is wrong with the platform on which a twin of a dashboard check runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from conformance.capabilities.dashboard.releases import RELEASE
from conformance.kube.watching import Canceller, watch_objects

if TYPE_CHECKING:
    from conformance.apps.tracked import TrackedBranch
    from conformance.kube.client import Kube

WATCHED = 900.0
"""Seconds, more than any check takes."""


@pytest.fixture
def resumed_by_next_commit(kube: Kube, tracked_branch: TrackedBranch) -> Iterator[None]:
    """Suspended apps are resumed in the API as soon as Flux has fetched the next commit."""
    canceller = Canceller()
    with ThreadPoolExecutor(1) as executor:
        resuming = executor.submit(_resume_at_commits, kube, tracked_branch, canceller)
        yield
        canceller.cancel()
    resuming.result()


def _resume_at_commits(kube: Kube, branch: TrackedBranch, canceller: Canceller) -> None:
    """Resume what is suspended at each new commit, until cancelled."""
    tracked = branch.flux.ref("GitRepository", branch.flux.source).alone
    resource = kube.discovery.find(tracked.api_version, tracked.kind)
    deadline = time.monotonic() + WATCHED
    fetched = None
    for event in watch_objects(kube.transport, resource, tracked, "0", deadline, canceller):
        if event.type == "BOOKMARK":
            continue
        before, fetched = fetched, event.object["status"]["artifact"]["revision"]
        if before in {None, fetched}:
            continue
        for release in kube.list(*RELEASE, branch.namespace):
            if release["spec"].get("suspend"):
                name = release["metadata"]["name"]
                kube.patch(*RELEASE, name, branch.namespace, {"spec": {"suspend": False}})
