"""The objects by which Flux installs an app: its Kustomizations and HelmReleases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from conformance.kube.conditions import Condition, matching, reconciled
from conformance.kube.objects import Ref
from conformance.kube.wait import Wait
from conformance.linter.access import text
from conformance.linter.durations import seconds as seconds_of
from conformance.services.flux import hopeless

if TYPE_CHECKING:
    from conformance.apps.package.placement import Placement
    from conformance.apps.package.waits import AppWaits
    from conformance.apps.tracked import TrackedBranch
    from conformance.linter.app import Release

_OF_RELEASES = 300.0
"""Seconds that Flux gives a HelmRelease that says nothing of it.
https://fluxcd.io/flux/components/helm/helmreleases/#timeout
"""
_AFTERWARDS = 30.0
"""Seconds after Flux's own time-out in which it says what has become of an object."""


class OfFlux:
    """What Flux is asked to do with an app, each time until it has done so.

    The methods raise ``WaitFailed`` and ``OutOfTime``.
    """

    def __init__(self, branch: TrackedBranch, placement: Placement, waits: AppWaits) -> None:
        self._branch = branch
        self._kube = branch.kube
        self._waits = waits
        self._described = placement.releases
        self._own_timeout = _timeout_of(placement) + _AFTERWARDS
        self.kustomizations = [
            branch.flux.ref("Kustomization", name) for name in placement.kustomizations
        ]
        self.releases = [
            branch.flux.ref("HelmRelease", one.name, one.manifest.namespace or branch.namespace)
            for one in placement.releases
        ]

    @property
    def all(self) -> list[Ref]:
        """Its Kustomizations, then its HelmReleases."""
        return [*self.kustomizations, *self.releases]

    @property
    def _installed(self) -> list[Wait]:
        return [Wait(one, reconciled(), fail_on=hopeless()) for one in self.releases]

    def release(self, release: Release) -> Ref:
        """Return the object of one of the HelmReleases."""
        return self.releases[self._described.index(release)]

    def wait_applied(self, commit: str, is_included: Callable[[str], bool]) -> None:
        """Wait until a commit is applied; ``is_included`` says whether a revision includes it."""
        waits = [Wait(one, reconciled(commit, includes=is_included)) for one in self.kustomizations]
        self._wait([*waits, *self._installed], self._kube.timeouts.stack)

    def wait_released(self, commit: str, is_included: Callable[[str], bool]) -> None:
        """Wait until each release that a commit brings is installed; without any, as above.

        A Kustomization looks at the health of its releases every 5 s only.
        """
        if self.releases:
            self._wait(self._installed, self._kube.timeouts.stack)
        else:
            self.wait_applied(commit, is_included)

    def wait_charts(self, commit: str, is_included: Callable[[str], bool]) -> None:
        """Wait until the charts of the releases are those of a commit."""
        built = matching(
            f"built from {commit}",
            lambda item: is_included(item["status"]["observedSourceArtifactRevision"]),
        )
        waits = []
        for one in self.releases:
            status = (self._kube.find(*one) or {}).get("status") or {}
            namespace, _, name = (status.get("helmChart") or "").partition("/")
            if name:
                waits.append(Wait(self._branch.flux.ref("HelmChart", name, namespace), built))
        self._wait(waits, self._kube.timeouts.reconciliation)

    def reconcile(self) -> None:
        """Have Flux apply the same again, and helm upgrade to the same."""
        self._reconcile(self.kustomizations)
        self._reconcile(self.releases, force=True)

    def upgrade(self) -> None:
        """Have helm upgrade each release, if anything is new; ends early where helm gives up."""
        self._reconcile(self.releases, fail_on=hopeless())

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Within the body, Flux leaves the app alone; afterwards it has applied it once more."""
        which = [(one.kind, one.name, str(one.namespace)) for one in self.all]
        try:
            for one in which:
                self._branch.flux.suspend(*one)
            yield
        finally:
            # What is removed while it is suspended, Flux would not take away.
            for one in which:
                self._branch.flux.resume(*one)
        self.reconcile()

    def _reconcile(
        self, which: Sequence[Ref], *, force: bool = False, fail_on: Condition | None = None
    ) -> None:
        tokens = [
            self._branch.flux.reconcile(one.kind, one.name, str(one.namespace), force=force)
            for one in which
        ]
        waits = [
            Wait(one, reconciled(requested_at=token), fail_on)
            for one, token in zip(which, tokens, strict=True)
        ]
        self._wait(waits, self._kube.timeouts.reconciliation)

    def _wait(self, waits: list[Wait], seconds: float) -> None:
        """Wait for as long as the package has Flux wait, if that is more than ``seconds``."""
        self._waits.wait(waits, max(seconds, self._own_timeout))


def _timeout_of(placement: Placement) -> float:
    """Return the longest time in seconds that Flux gives an object of the package."""
    objects = [(one.manifest, _OF_RELEASES) for one in placement.releases]
    objects += [(one.manifest, 0.0) for one in placement.app.kustomizations]
    own = (
        seconds_of(text(manifest.get("spec", "timeout"))) or default
        for manifest, default in objects
    )
    return max(own, default=0.0)
