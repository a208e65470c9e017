"""Secondary clusters: to try something out on, to restore into."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from conformance.common import course
from conformance.common.errors import HarnessError
from conformance.components.waiting import BuildingFuture
from conformance.kube.client import Kube
from conformance.kube.explain import learn_secrets
from conformance.platform.site import Site, SiteMaker
from conformance.platform.snapshots import PLATFORM, start_if_there
from conformance.platform.stack import Stack
from conformance.platform.tree.given import GivenTree

UNDO_SECONDS = 20.0
"""Within which a cancelled start must end: tox gives an interrupted run 30 s."""


class SecondaryClusters:
    """Brings clusters up in the background, each called ``CLUSTER-PURPOSE``, and takes them away.

    Like the first cluster they belong to this process: they end if the run is killed. None is kept.
    For providers with ``Feature.SECOND_CLUSTER``. Thread-safe, because one may be started in the
    background.
    """

    TESTING = "testing"
    """Purpose of the cluster on which new versions of apps are tested."""

    def __init__(self, maker: SiteMaker) -> None:
        self._maker = maker
        self._made: dict[str, _BringUp] = {}
        self._closed = False
        self._guard = threading.Lock()

    def prepare(self, purpose: str) -> None:
        """Begin to prepare the cluster for ``purpose`` before it starts; returns immediately."""
        self._bring_up(purpose)

    def begin(
        self,
        purpose: str,
        install: Callable[[Stack], object] = lambda _: None,
        root: Path | None = None,
        given: GivenTree | None = None,
    ) -> Future[Site]:
        """Begin to start the cluster for ``purpose`` unless that has begun; returns immediately.

        The result is set when ``install`` (a level: ``Stack.platform``) has returned; it
        raises what start and installation raise. ``root`` has the charts/ and fixtures/ to
        install, if these are not the suite's own; ``given`` is the tree, if it is not that of the
        cluster under test. Raises ``HarnessError`` after ``close``.
        """
        bring_up = self._bring_up(purpose, root, given)
        bring_up.begin(install)
        return bring_up.site

    def testing(self) -> Future[Site]:
        """Begin the cluster for ``TESTING`` with single sign-on, as ``begin`` does; returns when
        it is connected to the host's network.

        When the host gets a new network interface, Chromium assumes that the network has changed
        and aborts the page that it loads: no check of a page may run meanwhile.
        """
        site = self.begin(self.TESTING, lambda stack: stack.single_sign_on())
        self.wait_connected(self.TESTING)
        return site

    def wait_connected(self, purpose: str) -> None:
        """Wait until the cluster for ``purpose``, prepared or begun, is connected to the host's
        network, or failed. HarnessError if only its start connects it, and nobody began that.
        """
        self._made[purpose].wait_connected()

    def kubes(self) -> dict[str, Kube]:
        """Return purpose and client of each cluster whose API answers by now."""
        return {name: made.kube for name, made in self._made.items() if made.kube is not None}

    def end(self, purpose: str) -> None:
        """Delete the cluster for ``purpose``, if it was begun."""
        if bring_up := self._made.pop(purpose, None):
            bring_up.undo()

    def close(self) -> None:
        """Delete all clusters; no more can be started."""
        with self._guard:
            self._closed = True
        for purpose in list(self._made):
            self.end(purpose)

    def _bring_up(
        self, purpose: str, root: Path | None = None, given: GivenTree | None = None
    ) -> _BringUp:
        """Return what starts the cluster for ``purpose``; if it is new, it begins to prepare."""
        with self._guard:
            if self._closed:
                raise HarnessError("the secondary clusters are being taken away")
            if purpose not in self._made:
                maker = self._maker.named_for(purpose)
                made = _BringUp(replace(maker, root=root, given=given or maker.given))
                self._made[purpose] = made
                made.start()
            return self._made[purpose]


class _BringUp(threading.Thread):
    """A daemon thread: nobody waits for an installation after the run has ended."""

    def __init__(self, maker: SiteMaker) -> None:
        super().__init__(name=f"cluster {maker.settings.cluster_name}", daemon=True)
        self._step = course.start_of(maker.settings.cluster_name)
        self.site: BuildingFuture[Site] = BuildingFuture(self._step)
        self.kube: Kube | None = None
        self._maker = maker
        self._begun: SimpleQueue[Callable[[Stack], object] | None] = SimpleQueue()
        self._wanted = False
        self._prepared = threading.Event()
        self._connected = threading.Event()
        self._has_started = threading.Event()  # Thread has a _started of its own
        self._cluster = maker.cluster()
        self._stack: Stack | None = None

    def begin(self, install: Callable[[Stack], object]) -> None:
        """Let the cluster start, if it has not started yet."""
        self._wanted = True
        self._begun.put(install)

    def wait_connected(self) -> None:
        """Wait until it is connected to the host's network; each step has its own time limit.

        HarnessError if only its start connects it, and nobody began that.
        """
        with self.site.awaited():
            self._prepared.wait()
            if not self._wanted and not self._connected.is_set():
                why = f"{self.name} joins the network when it starts"
                raise HarnessError(why, "begin it first")
            self._connected.wait()

    def run(self) -> None:
        self.site.worked_on_here()
        try:
            with contextlib.suppress(Exception):  # start tries it again, and says why it fails
                self._cluster.prepare()
            if self._cluster.connected:
                self._connected.set()
            self._prepared.set()
            install = self._begun.get()
            if install is None:
                self.site.cancel()
                return
            with course.taking(self._step):
                start_if_there(self._maker, self._cluster, PLATFORM)
            self.kube = self._maker.kube(self._cluster)
            self._stack = self._maker.stack(self._cluster, self.kube)
            self._has_started.set()
            self._connected.set()
            install(self._stack)
            self.site.set_result(Site(self._cluster, self.kube, self._stack))
        except BaseException as error:
            self.site.set_exception(error)
        finally:
            self._prepared.set()
            self._has_started.set()
            self._connected.set()

    def undo(self) -> None:
        """Delete all of it; what is still starting fails because of that."""
        self._begun.put(None)
        if not self._has_started.is_set():
            with contextlib.suppress(HarnessError):  # an engine does not answer: no node either
                self._cluster.cancel()
        if not self._has_started.wait(UNDO_SECONDS):
            self._maker.say(
                f"{self.name}: gave up waiting, {UNDO_SECONDS:g} s after its start was cancelled "
                "(it may still build or fetch a part); it ends with this run"
            )
            return
        if self.kube:
            with contextlib.suppress(Exception):  # it may have gone wrong at any point
                learn_secrets(self.kube, self._maker.redactor)
        if self._stack:
            self._stack.close()
        self._cluster.delete()
