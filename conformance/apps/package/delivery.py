"""A package on a cluster: put into the tracked repository, installed by Flux, and taken away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.apps.package.applied import applied
from conformance.apps.package.disk_guard import DiskGuard, stop_app
from conformance.apps.package.hopeless import Prospects
from conformance.apps.package.leftovers import brought_by, take_away
from conformance.apps.package.live import LiveApp
from conformance.apps.package.placement import Placement
from conformance.apps.package.time_limit import OutOfTime, TimeLimit
from conformance.common.errors import HarnessError
from conformance.kube.conditions import Condition, deleted, matching, reconciled, rolled_out
from conformance.kube.inventory import by_uid, everything, ref_of
from conformance.kube.objects import Object, Objects, Ref
from conformance.kube.wait import Wait, WaitFailed, WaitTimeout, wait_all
from conformance.platform.reference.content import ROOT_KUSTOMIZATION, listed
from conformance.platform.steps import Steps
from conformance.services.flux import hopeless
from conformance.services.git import GitRefused

if TYPE_CHECKING:
    from conformance.apps.tracked import Changes, TrackedBranch
    from conformance.clusters.base import Cluster
    from conformance.kube.client import Kube
    from conformance.linter.app import Release

_CLAIM = "PersistentVolumeClaim"
_OF_A_NAMESPACE = ("default", "kube-root-ca.crt")
"""A ServiceAccount and a ConfigMap that Kubernetes makes in every namespace."""
STILL_READY = 20.0
"""Seconds in which an app is Ready again that was so before."""
_HELM_STORAGE = "helm.sh/release.v1"


@dataclass(frozen=True)
class Remains:
    """What there is after an app's removal."""

    claims: Objects
    """Its claims, with their data."""
    lost: list[str]
    """Names of claims that it had, and that are gone."""
    left: Objects
    """What else it has left behind, and nobody is about to remove."""

    @property
    def names_of_claims(self) -> list[str]:
        """The claims that stay."""
        return sorted(item["metadata"]["name"] for item in self.claims)

    @property
    def names_of_left(self) -> list[str]:
        """What is left behind, in words."""
        return sorted(str(ref_of(item)) for item in self.left)


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
        self.limit = limit
        self._by_hand = by_hand
        self._take(placement)
        self._commit = ""
        self._before: set[str] = set()
        self._replaced: dict[str, str | bytes | None] = {}
        self._steps = Steps()
        self._brought: list[Ref] = []
        self._ran = False
        self._not_ready = ""
        self.guard: DiskGuard | None = None
        self._prospects = Prospects(
            self.kube,
            lambda: self.namespaces - {branch.flux.namespace},
            lambda: self._of_flux,
            self._is_own,
        )

    def _take(self, placement: Placement) -> None:
        placement = placement.moved(self.branch.git.moved)
        self.placement = placement
        home = self.branch.namespace
        self.releases = [
            self.branch.flux.ref("HelmRelease", one.name, one.manifest.namespace or home)
            for one in placement.releases
        ]
        self.live = LiveApp(
            self.kube,
            placement.kustomizations,
            [(str(one.namespace), one.name) for one in self.releases],
        )

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
        own = {one.namespace for one in self.placement.releases}
        own |= {one.namespace for one in self.placement.app.written}
        own |= {one.name for one in self.placement.app.written if one.kind == "Namespace"}
        return (own | {self.branch.namespace, self.branch.flux.namespace}) - {""}

    def begin(self) -> None:
        """Push the package. Raises HarnessError if there is an app of its name already."""
        for kustomization in self._kustomizations:
            if self.kube.find(*kustomization) is not None:
                raise HarnessError(
                    f"there is a {kustomization} already",
                    "remove that app, or use a fresh cluster",
                )
        self._brought = brought_by(self.placement.app, self.kube)
        self._make_namespaces()
        for item in self._by_hand:
            self._make_by_hand(item)
        self._before = set(by_uid(self._everything()))
        git = self.branch.git
        with git.lock:
            self._remember(self.placement)
            self._push(f"Install {self.name}")

    def put_back(self) -> None:
        """Push the package again as it was, after ``remove``."""
        with self.branch.git.lock:
            self._push(f"Install {self.name} again")

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
        with self.branch.git.lock:
            self._remember(later)
            gone = {
                path: before
                for path, before in self._replaced.items()
                if path in earlier.files and path not in later.files
            }
            self._take(later)
            self._push(f"Upgrade {self.name}", gone, earlier.entry)
        self.wait_applied()
        self._wait_charts()
        self._reconcile(self.releases, fail_on=hopeless())

    def _make_by_hand(self, item: Object) -> None:
        self.kube.create(item, self.namespace)
        self._brought.append(Ref("v1", item["kind"], item["metadata"]["name"], self.namespace))

    def _wait_charts(self) -> None:
        """Wait until the charts of the releases are those of the last commit."""
        built = matching(
            f"built from {self._commit}",
            lambda item: self._is_included(item["status"]["observedSourceArtifactRevision"]),
        )
        waits = []
        for one in self.releases:
            status = (self.kube.find(*one) or {}).get("status") or {}
            namespace, _, name = (status.get("helmChart") or "").partition("/")
            if name:
                waits.append(Wait(self.branch.flux.ref("HelmChart", name, namespace), built))
        self._wait(waits, self.kube.timeouts.reconciliation)

    def _remember(self, placement: Placement) -> None:
        """Remember what the repository has in place of a package's files before these come."""
        git = self.branch.git
        known = set(git.files())
        for path in placement.files:
            if path not in self._replaced:
                self._replaced[path] = git.read(path) if path in known else None

    def _push(self, message: str, more: Changes | None = None, instead_of: str = "") -> None:
        tree = listed(self.branch.git.read(ROOT_KUSTOMIZATION), remove=instead_of)
        tree = listed(tree, add=self.placement.entry)
        self._steps = Steps()
        changes: Changes = {**(more or {}), **self.placement.files, ROOT_KUSTOMIZATION: tree}
        self._commit = self.branch.push(changes, message)

    def _is_included(self, revision: str) -> bool:
        return self._commit in revision or self.branch.git.includes(revision, self._commit)

    def wait_applied(self) -> None:
        """Return when Flux has applied the package; later calls have the same outcome at once.

        Raises ``WaitFailed``, ``OutOfTime``.
        """
        self._steps.run("applied", self._wait_applied)

    def wait_fetched(self) -> bool:
        """Return whether Flux has applied the package, once it has or cannot any more."""
        try:
            self.wait_applied()
        except (WaitFailed, OutOfTime):
            return False
        return True

    def release(self, release: Release) -> Ref:
        """Return the object of one of its HelmReleases."""
        return self.releases[self.placement.releases.index(release)]

    def wait_ready(self, within: float | None = None) -> None:
        """Return when every workload is rolled out. Raises ``WaitFailed``, ``OutOfTime``.

        ``within`` is the most that it may take, in seconds. An app that never got Ready in all the
        time that it may take is not waited for again.
        """
        if self._not_ready:
            raise WaitFailed(self._not_ready)
        waits = [Wait(one.ref, rolled_out()) for one in self.live.workloads()]
        try:
            self._wait(waits, within or self.kube.timeouts.rollout)
        except WaitFailed as error:
            if within is None and not self._ran:
                self._not_ready = str(error)
            raise
        self._ran = True

    def guard_disk(self, cluster: Cluster) -> None:
        """Stop the app if it fills the node's disk, until ``clean_up``."""

        def stop() -> None:
            stop_app(self.kube, self.branch.flux, self._of_flux, self.made())

        self.guard = DiskGuard(cluster, self.kube, self.claims, stop)
        self.guard.begin()

    @property
    def is_there(self) -> bool:
        """Whether the package is in the repository."""
        return bool(self._commit) and self._is_listed()

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

    def reconcile(self) -> None:
        """Have Flux apply the same again, and helm upgrade to the same; returns when it has."""
        self._reconcile(self._kustomizations)
        self._reconcile(self.releases, force=True)

    def _reconcile(
        self, which: Sequence[Ref], *, force: bool = False, fail_on: Condition | None = None
    ) -> None:
        flux = self.branch.flux
        tokens = [
            flux.reconcile(one.kind, one.name, str(one.namespace), force=force) for one in which
        ]
        waits = [
            Wait(one, reconciled(requested_at=token), fail_on)
            for one, token in zip(which, tokens, strict=True)
        ]
        self._wait(waits, self.kube.timeouts.reconciliation)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Within the body, Flux leaves the app alone; afterwards it has applied it once more."""
        flux = self.branch.flux
        which = [
            (one.kind, one.name, str(one.namespace))
            for one in (*self._kustomizations, *self.releases)
        ]
        try:
            for one in which:
                flux.suspend(*one)
            yield
        finally:
            # What is removed while it is suspended, Flux would not take away.
            for one in which:
                flux.resume(*one)
        self.reconcile()

    def _wait_applied(self) -> None:
        at = reconciled(self._commit, includes=self._is_included)
        waits = [Wait(one, at) for one in self._kustomizations]
        waits += [Wait(one, reconciled(), fail_on=hopeless()) for one in self.releases]
        self._wait(waits, self.kube.timeouts.stack)

    def claims(self) -> Objects:
        """Return its claims: those that came with it, whoever made them."""
        return [item for item in self.made() if item["kind"] == _CLAIM]

    def made(self) -> Objects:
        """Return everything that has come since before it was installed, where its objects are.

        What Flux has applied for others is not among it, nor what belongs to the whole cluster.
        """
        return [item for item in self._made_anywhere() if "namespace" in item["metadata"]]

    def _made_anywhere(self) -> Objects:
        """Return the same, and what Flux has applied of the package for the whole cluster."""
        return [
            item
            for item in by_uid(self._everything()).values()
            if self._is_own(item)
            and item.get("type") != _HELM_STORAGE
            and ("namespace" in item["metadata"] or self.live.has(item))
            and item["metadata"]["name"] not in _OF_A_NAMESPACE
        ]

    def _is_own(self, item: Object) -> bool:
        return item["metadata"]["uid"] not in self._before and not self.live.is_of_another(item)

    def applied(self) -> Objects:
        """Return what Flux has applied of the package, whatever patches have made of it.

        It is looked up once; call it after ``wait_fetched``.
        """
        return self._steps.run("looked up", lambda: applied(self.kube, self._of_flux))

    def remove(self) -> Remains:
        """Take the package out of the repository; return what remains once Flux is done.

        Raises ``WaitTimeout`` if Flux cannot remove it.
        """
        had = by_uid(self.claims())
        git = self.branch.git
        with git.lock:
            tree = listed(git.read(ROOT_KUSTOMIZATION), remove=self.placement.entry)
            known = set(git.files())
            back = {
                path: content
                for path, content in self._replaced.items()
                if content is not None or path in known
            }
            self.branch.push({**back, ROOT_KUSTOMIZATION: tree}, f"Remove {self.name}")
        gone = [Wait(one, deleted()) for one in (*self._kustomizations, *self.releases)]
        wait_all(self.kube, gone, timeout=self.kube.timeouts.deletion)
        try:
            self._wait_gone(item for item in self._left() if _is_going(item))
        except WaitTimeout as error:
            what, _, more = str(error).partition("\n")
            fix = "Have whoever its finalizers are for do their work, or leave the finalizers out."
            raise WaitTimeout(f"{what}\n  To do: {fix}\n{more}") from error
        now = by_uid(self._everything())
        kept = {uid for uid in had if uid in now and not _is_going(now[uid])}
        lost = [item["metadata"]["name"] for uid, item in had.items() if uid not in kept]
        return Remains([now[uid] for uid in kept], lost, self._left())

    def clean_up(self) -> list[str]:
        """Remove all that is left of the package, its data as well; return what could not be."""
        if self.guard is not None:
            self.guard.end()
        troubles = []
        try:
            if self.is_there:
                self.remove()
        except (AssertionError, GitRefused) as error:
            troubles.append(str(error).splitlines()[0])
        made = self._made_anywhere if self._commit else list
        return troubles + take_away(self.kube, made, self._brought)

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

    @property
    def _kustomizations(self) -> list[Ref]:
        return [
            self.branch.flux.ref("Kustomization", name) for name in self.placement.kustomizations
        ]

    @property
    def _of_flux(self) -> list[Ref]:
        return [*self._kustomizations, *self.releases]

    def _is_listed(self) -> bool:
        tree = self.branch.git.read(ROOT_KUSTOMIZATION)
        return listed(tree, remove=self.placement.entry) != tree

    def _left(self) -> Objects:
        return [item for item in self.made() if item["kind"] != _CLAIM]

    def _everything(self) -> Objects:
        return everything(self.kube, namespaces=self.namespaces)

    def _wait_gone(self, items: Iterable[Object]) -> None:
        waits = [Wait(ref_of(item), deleted()) for item in items]
        wait_all(self.kube, waits, timeout=self.kube.timeouts.deletion)

    def _wait(self, waits: list[Wait], seconds: float) -> None:
        self._look()
        within = self.limit.at_most(seconds)
        try:
            wait_all(self.kube, waits, timeout=within, meanwhile=self._look)
        except WaitTimeout as error:
            if self.limit.is_over:
                raise self.limit.over(str(error)) from error
            raise

    def _look(self) -> None:
        """Raise ``WaitFailed`` if the app cannot get Ready any more."""
        if self.guard is not None and self.guard.reason:
            self.guard.tells()
            raise WaitFailed(self.guard.reason)
        if self._commit:
            self._prospects.look()


def _is_going(item: Object) -> bool:
    """Whether somebody is about to remove an object: it is being deleted, or its owner is gone."""
    metadata = item["metadata"]
    return "deletionTimestamp" in metadata or bool(metadata.get("ownerReferences"))
