"""A package on a cluster: put into the tracked repository, installed by Flux, and taken away."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from conformance.apps.package.applied import applied
from conformance.apps.package.disk_guard import DiskGuard, stop_app
from conformance.apps.package.hopeless import Prospects
from conformance.apps.package.in_repository import InRepository
from conformance.apps.package.leftovers import brought_by, take_away
from conformance.apps.package.live import LiveApp
from conformance.apps.package.of_flux import OfFlux
from conformance.apps.package.own_objects import OwnObjects, Remains
from conformance.apps.package.refusals import is_platform_namespace, refusals_as_applied
from conformance.apps.package.time_limit import OutOfTime, TimeLimit
from conformance.apps.package.waits import AppWaits
from conformance.common.errors import HarnessError
from conformance.kube.conditions import rolled_out
from conformance.kube.inventory import ref_of
from conformance.kube.objects import Object, Objects, Ref
from conformance.kube.wait import Wait, WaitFailed, WaitTimeout
from conformance.linter.access import text
from conformance.platform.steps import Steps
from conformance.services.git import GitRefused

if TYPE_CHECKING:
    from conformance.apps.package.placement import Placement
    from conformance.apps.tracked import TrackedBranch
    from conformance.clusters.base import Cluster
    from conformance.kube.client import Kube
    from conformance.linter.app import Release

_ORDERLY = 45.0
"""Seconds in which Flux removes what is cleaned up: one that still installs it does not, however
long it has."""
STILL_READY = 20.0
"""Seconds in which an app is Ready again that was so before."""


class Delivery:
    """One package, from the commit that brings it to the one that takes it away."""

    def __init__(
        self,
        branch: TrackedBranch,
        placement: Placement,
        name: str,
        limit: TimeLimit,
        by_hand: Sequence[Object] = (),
    ) -> None:
        """``by_hand`` are objects that an operator makes before the app, in its namespace."""
        self.branch = branch
        self.kube: Kube = branch.kube
        self.name = name
        self.guard: DiskGuard | None = None
        self._by_hand = by_hand
        self._brought: list[Ref] = []
        self._ran = False
        self._not_ready = ""
        self._steps = Steps()
        self._repository = InRepository(branch)
        self._waits = AppWaits(self.kube, limit, self._look)
        self._take(placement)
        self._own = OwnObjects(self.kube, lambda: self.namespaces, lambda: self.live)
        self._prospects = Prospects(
            self.kube,
            lambda: self.namespaces - {branch.flux.namespace},
            lambda: self._of_flux.all,
            self._own.has,
        )

    def _take(self, placement: Placement) -> None:
        """Be about this version of the package from now on."""
        self.placement = placement.moved(self.branch.git.moved)
        self._of_flux = OfFlux(self.branch, self.placement, self._waits)
        self.live = LiveApp(
            self.kube,
            self.placement.kustomizations,
            [(str(one.namespace), one.name) for one in self._of_flux.releases],
        )

    @property
    def limit(self) -> TimeLimit:
        """The time that the app has."""
        return self._waits.limit

    @property
    def namespace(self) -> str:
        """Where the app itself is."""
        homes = [one.namespace for one in self.placement.releases]
        homes += [
            pod.workload.namespace for one in self.placement.app.installations for pod in one.pods
        ]
        return next(filter(None, homes), self.branch.namespace)

    @property
    def namespaces(self) -> set[str]:
        """Where its objects are."""
        app = self.placement.app
        by_helm = {one.namespace for each in app.installations for one in each.manifests}
        by_helm |= {text(one.manifest.get("spec", "storageNamespace")) for one in app.releases}
        own = {one for one in by_helm if not is_platform_namespace(one)}
        own |= {one.namespace for one in self.placement.releases}
        own |= {one.namespace for one in app.written}
        own |= {one.name for one in app.written if one.kind == "Namespace"}
        return (own | {self.branch.namespace, self.branch.flux.namespace}) - {""}

    @property
    def is_there(self) -> bool:
        """Whether the package is in the repository."""
        return self._repository.lists(self.placement)

    def begin(self) -> None:
        """Push the package. Raises HarnessError if there is an app of its name already."""
        for kustomization in self._of_flux.kustomizations:
            if self.kube.find(*kustomization) is not None:
                raise HarnessError(
                    f"there is a {kustomization} already",
                    "remove that app, or use a fresh cluster",
                )
        self._brought = brought_by(self.placement.app, self.kube)
        self._make_namespaces()
        for item in self._by_hand:
            self._make_by_hand(item)
        self._own.begin()
        self._steps = Steps()
        self._repository.put(self.placement, f"Install {self.name}")

    def put_back(self) -> None:
        """Push the package again as it was, after ``remove``."""
        self._steps = Steps()
        self._repository.put(self.placement, f"Install {self.name} again")

    def upgrade(self, later: Placement, by_hand: Sequence[Object] = ()) -> None:
        """Push another version of the package in place of this one.

        ``by_hand`` are objects that an operator makes before, if they are not there. Returns when
        helm has upgraded each release. Raises ``WaitFailed``, ``OutOfTime``.
        """
        earlier = self.placement
        self._brought += brought_by(later.app, self.kube)
        for item in by_hand:
            if self.kube.find("v1", item["kind"], item["metadata"]["name"], self.namespace) is None:
                self._make_by_hand(item)
        self._take(later)
        self._steps = Steps()
        self._repository.replace(earlier, self.placement, f"Upgrade {self.name}")
        self.wait_applied()
        self._of_flux.wait_charts(self._repository.commit, self._repository.is_included)
        self._of_flux.upgrade()

    def wait_applied(self) -> None:
        """Return when Flux has applied the package; later calls have the same outcome at once.

        Raises ``WaitFailed``, ``OutOfTime``.
        """
        self._steps.run(f"app {self.name}", self._wait_applied, "app")

    def _wait_applied(self) -> None:
        self._of_flux.wait_applied(self._repository.commit, self._repository.is_included)

    def wait_back(self) -> None:
        """Return when Flux has installed the package again, after ``put_back``.

        That counts as ``wait_applied``, though its Kustomizations may not say so yet. Raises
        ``WaitFailed``, ``OutOfTime``.
        """
        self._steps.run(f"app {self.name}", self._wait_released, "app")

    def _wait_released(self) -> None:
        self._of_flux.wait_released(self._repository.commit, self._repository.is_included)

    def wait_fetched(self) -> bool:
        """Return whether Flux has applied the package, once it has or cannot any more."""
        try:
            self.wait_applied()
        except (WaitFailed, OutOfTime):
            return False
        return True

    def release(self, release: Release) -> Ref:
        """Return the object of one of its HelmReleases."""
        return self._of_flux.release(release)

    def wait_ready(self, within: float | None = None) -> None:
        """Return when every workload is rolled out. Raises ``WaitFailed``, ``OutOfTime``.

        ``within`` is the most that it may take, in seconds. An app that never got Ready in all the
        time that it may take is not waited for again.
        """
        if self._not_ready:
            raise WaitFailed(self._not_ready)
        waits = [Wait(one.ref, rolled_out()) for one in self.live.workloads()]
        try:
            self._waits.wait(waits, within or self.kube.timeouts.rollout)
        except WaitFailed as error:
            if within is None and not self._ran:
                self._not_ready = str(error)
            raise
        self._ran = True

    def has_stopped(self) -> bool:
        """Whether it was Ready once, and does not get so again."""
        if not self._ran:
            return False
        try:
            self.wait_ready(STILL_READY)
        except OutOfTime:
            return False
        except WaitFailed:
            return True
        return False

    def guard_disk(self, cluster: Cluster) -> None:
        """Stop the app if it fills the node's disk, until ``clean_up``."""

        def stop() -> None:
            stop_app(self.kube, self.branch.flux, self._of_flux.all, self.made())

        self.guard = DiskGuard(cluster, self.kube, self.claims, stop)
        self.guard.begin()

    def _look(self) -> None:
        """Raise ``WaitFailed`` if the app cannot get Ready any more."""
        if self.guard is not None and self.guard.reason:
            self.guard.tells()
            raise WaitFailed(self.guard.reason)
        if self._repository.commit:
            self._prospects.look()

    def reconcile(self) -> None:
        """Have Flux apply the same again, and helm upgrade to the same; returns when it has."""
        self._of_flux.reconcile()

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Within the body, Flux leaves the app alone; afterwards it has applied it once more."""
        with self._of_flux.suspended():
            yield

    def claims(self) -> Objects:
        """Return its claims: those that came with it, whoever made them."""
        return self._own.claims()

    def made(self) -> Objects:
        """Return everything that has come since before it was installed, where its objects are.

        What Flux has applied for others is not among it, nor what belongs to the whole cluster.
        """
        return self._own.made()

    def applied(self) -> Objects:
        """Return what Flux has applied of the package, whatever patches have made of it.

        It is looked up once; call it after ``wait_fetched``.
        """
        return self._steps.run("looked up", lambda: applied(self.kube, self._of_flux.all))

    def refused_as_applied(self, allowed: Collection[str]) -> list[str]:
        """Return what it may not do of what Flux has applied; ``allowed`` as ``--app-allow``."""
        return refusals_as_applied(self.kube, self.applied(), allowed)

    def remove(self, within: float | None = None) -> Remains:
        """Take the package out of the repository; return what remains once Flux is done.

        ``within`` is the most that Flux may take, in seconds. Raises ``WaitTimeout`` if it cannot
        remove it.
        """
        had = self.claims()
        self._repository.take_out(self.placement, f"Remove {self.name}")
        self._waits.wait_gone(self._of_flux.all, within)
        try:
            self._waits.wait_gone(ref_of(item) for item in self._own.going())
        except WaitTimeout as error:
            what, _, more = str(error).partition("\n")
            fix = "Have whoever its finalizers are for do their work, or leave the finalizers out."
            raise WaitTimeout(f"{what}\n  To do: {fix}\n{more}") from error
        return self._own.remains(had)

    def clean_up(self) -> list[str]:
        """Remove all that is left of the package, its data as well; return what could not be."""
        self.leave()
        refused = []
        try:
            if self.is_there:
                self.remove(_ORDERLY)
        except AssertionError:
            pass  # what Flux did not remove in time is taken away
        except GitRefused as error:
            refused.append(str(error).splitlines()[0])
        made = self._own.made_anywhere if self._repository.commit else list
        return refused + take_away(self.kube, made, self._brought)

    def leave(self) -> None:
        """Leave the package to the cluster: nothing looks after it any more."""
        if self.guard is not None:
            self.guard.end()

    def _make_namespaces(self) -> None:
        """Make the namespaces that neither the platform nor the package has, as an operator would.

        Such a package is one of several, of which another one brings the namespace.
        """
        brought = {one.name for one in self.placement.app.written if one.kind == "Namespace"}
        for name in sorted(self.namespaces - brought):
            if self.kube.find("v1", "Namespace", name) is None:
                metadata = {"name": name}
                self.kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
                self._brought.append(Ref("v1", "Namespace", name))

    def _make_by_hand(self, item: Object) -> None:
        self.kube.create(item, self.namespace)
        self._brought.append(Ref("v1", item["kind"], item["metadata"]["name"], self.namespace))
