"""The start of the cluster under test, in the background: the first checks may need none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as NotDoneError
from contextlib import suppress
from typing import TYPE_CHECKING

from conformance.apps.whole_platform import whole_platform
from conformance.common import course
from conformance.common.errors import HarnessError
from conformance.components.waiting import BuildingFuture
from conformance.kube.client import Kube
from conformance.platform.occupied import refuse_platform_of_others
from conformance.platform.reference import reference_platform
from conformance.platform.secondary import UNDO_SECONDS
from conformance.platform.snapshots import NEVER, PLATFORM, make_if_missing, start

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster
    from conformance.components.builder import Components
    from conformance.platform.site import SiteMaker
    from conformance.suite.run import Run


class ClusterStart(threading.Thread):
    """Starts a cluster once it is itself started. It is a daemon thread.

    It lives until ``end``: a process that is to end with the run ends with the thread that started
    it (``prison``).
    """

    def __init__(self, cluster: Cluster, start: Callable[[], None]) -> None:
        super().__init__(name="cluster", daemon=True)
        self._cluster = cluster
        self._start_cluster = start
        self._step = course.start_of(cluster.name)
        self._there: BuildingFuture[None] = BuildingFuture(self._step)
        self._over = threading.Event()

    def run(self) -> None:
        """Start the cluster, and stay."""
        self._there.work(self._take)
        self._over.wait()

    def wait(self) -> None:
        """Return when the cluster is there; raises what its start raised."""
        self._there.result()

    def cancel(self, components: Components) -> None:
        """Let a start that goes on fail, and wait for that; nothing is built any more then."""
        if self._there.done():
            return
        components.stop()
        self._cluster.cancel()
        with suppress(NotDoneError):
            self._there.exception(UNDO_SECONDS)

    def end(self) -> None:
        """Let the thread go."""
        self._over.set()

    def _take(self) -> None:
        with course.taking(self._step):
            self._start_cluster()


def start_cluster(cluster: Cluster, run: Run, maker: SiteMaker, needed: set[str]) -> None:
    """Start the cluster, for checks that need these fixtures.

    If that fails, ``HarnessError`` says so: it is not a failure of a check.
    """
    try:
        if "stack" in needed and run.settings.snapshot != NEVER:
            # Where packages are tested there is no other app.
            kind = PLATFORM if run.settings.app else whole_platform(maker)
            if {"other_cluster", "testing_site"} & needed:
                make_if_missing(maker, cluster, PLATFORM)
            start(maker, cluster, kind)
        else:
            cluster.start()
        if cluster.provider == "existing" and run.given is None:
            _refuse_platform_of_others(cluster, run.settings.domain)
    except HarnessError:
        raise
    except Exception as error:
        raise HarnessError(
            f"cluster {cluster.name} did not come up: {str(error) or type(error).__name__}",
            "run `stackspin-conformance doctor`, which says what this host lacks",
        ) from error


def _refuse_platform_of_others(cluster: Cluster, domain: str) -> None:
    kube = Kube(cluster.kubeconfig)
    try:
        refuse_platform_of_others(cluster.name, kube, reference_platform(domain))
    finally:
        kube.close()
