"""Secondary clusters: to try something out on, to restore into."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from queue import SimpleQueue

from conformance.clusters.base import Cluster
from conformance.clusters.select import make_cluster
from conformance.common.errors import HarnessError
from conformance.common.redaction import Redactor
from conformance.common.settings import Settings
from conformance.components.builder import Components
from conformance.components.waiting import BuildingFuture
from conformance.kube.client import Kube
from conformance.kube.explain import learn_secrets
from conformance.oci.registry import Registry
from conformance.platform.reference.stack import Stack

LONGEST_NAME = 32
"""Of a cluster's name: the part that says whose it is gives way to what it is for."""

UNDO_SECONDS = 20.0
"""For a start that was cancelled to fail: tox leaves 30 s to a run that was interrupted."""


@dataclass(frozen=True)
class Site:
    """A cluster with the client of its API, and Stackspin on it as far as it was asked for."""

    cluster: Cluster
    kube: Kube
    stack: Stack

    @property
    def registry(self) -> Registry:
        """The registry that its node pulls from. Raises ``HarnessError`` where there is none."""
        if self.cluster.registry is None:
            raise HarnessError(f"cluster {self.cluster.name} has no registry", "use another one")
        return Registry(self.cluster.registry)


class SecondaryClusters:
    """Brings clusters up in the background, each called ``CLUSTER-PURPOSE``, and takes them away.

    They belong to this process like its first one: a killed run takes them with it. None is kept.
    For providers with ``Feature.SECOND_CLUSTER``. Thread-safe, as one may be begun in the
    background.
    """

    TESTING = "testing"
    """What the cluster is for on which new versions of apps are tried out."""

    def __init__(
        self,
        settings: Settings,
        components: Components,
        redactor: Redactor,
        say: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._components = components
        self._redactor = redactor
        self._say = say
        self._made: dict[str, _BringUp] = {}
        self._closed = False
        self._guard = threading.Lock()

    def prepare(self, purpose: str) -> None:
        """Begin what the cluster for ``purpose`` needs long before it starts; returns at once."""
        self._bring_up(purpose)

    def begin(
        self, purpose: str, install: Callable[[Stack], object] = lambda _: None
    ) -> Future[Site]:
        """Begin to bring up the cluster for ``purpose`` unless that has begun; returns at once.

        The result is there when ``install`` (a level: ``Stack.platform``) has returned, and raises
        what start and installation raise. Raises ``HarnessError`` after ``close``.
        """
        bring_up = self._bring_up(purpose)
        bring_up.begin(install)
        return bring_up.site

    def testing(self) -> Future[Site]:
        """Begin the cluster for ``TESTING``, with single sign-on on it, as ``begin`` does; returns
        when it has its place on the host's network.

        Chromium takes a new network interface of the host for a changed network, and gives the page
        up that it is loading: no check of a page goes on before it is there.
        """
        site = self.begin(self.TESTING, Stack.single_sign_on)
        self.wait_connected(self.TESTING)
        return site

    def wait_connected(self, purpose: str) -> None:
        """Wait until the cluster for ``purpose``, prepared or begun, has its place on the host's
        network, or failed. HarnessError for one that only its start connects, and nobody began.
        """
        self._made[purpose].wait_connected()

    def kubes(self) -> dict[str, Kube]:
        """Return purpose and client of each whose API answers by now."""
        return {name: made.kube for name, made in self._made.items() if made.kube is not None}

    def end(self, purpose: str) -> None:
        """Take the cluster for ``purpose`` away, if it was begun."""
        if bring_up := self._made.pop(purpose, None):
            bring_up.undo()

    def close(self) -> None:
        """Take every one away; none is made any more."""
        with self._guard:
            self._closed = True
        for purpose in list(self._made):
            self.end(purpose)

    def _bring_up(self, purpose: str) -> _BringUp:
        """Return what brings the cluster for ``purpose`` up; one that is new prepares it."""
        with self._guard:
            if self._closed:
                raise HarnessError("the secondary clusters are being taken away")
            if purpose not in self._made:
                prefix = self._settings.cluster_name[: LONGEST_NAME - len(purpose) - 1].rstrip("-")
                name = f"{prefix}-{purpose}"
                settings = replace(self._settings, cluster_name=name, keep_cluster=False)
                made = _BringUp(settings, self._components, self._redactor, self._say)
                self._made[purpose] = made
                made.start()
            return self._made[purpose]


class _BringUp(threading.Thread):
    """A daemon, as nobody waits for an installation whose run is over."""

    def __init__(
        self,
        settings: Settings,
        components: Components,
        redactor: Redactor,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(name=f"cluster {settings.cluster_name}", daemon=True)
        self.site: BuildingFuture[Site] = BuildingFuture()
        self.kube: Kube | None = None
        self._settings = settings
        self._components = components
        self._redactor = redactor
        self._say = say
        self._begun: SimpleQueue[Callable[[Stack], object] | None] = SimpleQueue()
        self._wanted = False
        self._prepared = threading.Event()
        self._connected = threading.Event()
        self._has_started = threading.Event()  # Thread has a _started of its own
        self._cluster = make_cluster(settings, components)
        self._stack: Stack | None = None

    def begin(self, install: Callable[[Stack], object]) -> None:
        """Let the cluster start, if it has not yet."""
        self._wanted = True
        self._begun.put(install)

    def wait_connected(self) -> None:
        """Wait for its place on the host's network; each step until then has a limit of its own.

        HarnessError for one that only its start connects, and nobody began.
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
            self._cluster.start()
            self.kube = Kube(
                self._cluster.kubeconfig,
                redactor=self._redactor,
                timeouts=self._settings.timeouts,
            )
            self._stack = Stack(
                self._settings, self._cluster, self.kube, self._components, say=self._say
            )
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
        """Take all of it away; what is still starting fails by that."""
        self._begun.put(None)
        if not self._has_started.is_set():
            with contextlib.suppress(HarnessError):  # an engine does not answer: no node either
                self._cluster.cancel()
        if not self._has_started.wait(UNDO_SECONDS):
            self._say(
                f"{self.name}: gave up waiting, {UNDO_SECONDS:g} s after its start was cancelled "
                "(it still builds or fetches a part, maybe); the end of this run ends it"
            )
            return
        if self.kube:
            with contextlib.suppress(Exception):  # it may have gone wrong at any point
                learn_secrets(self.kube, self._redactor)
        if self._stack:
            self._stack.close()
        self._cluster.delete()
