"""The data of an app: its own, and sentinel files beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from conformance.apps.loss import lose
from conformance.apps.package.own_data import OwnData
from conformance.apps.package.running import RunningApp
from conformance.apps.package.sentinels import Sentinels
from conformance.kube.conditions import deleted
from conformance.kube.inventory import ref_of
from conformance.kube.objects import Selection
from conformance.kube.wait import wait_each
from conformance.services.velero import RESTORE_NAME


@dataclass
class AppData:
    """A running app, what was put into it, and files in each of its claims."""

    app: RunningApp
    own: OwnData
    sentinels: Sentinels
    lost: str = ""
    """How it was noticed that data is not there any more."""

    def verify(self) -> None:
        """Raise AssertionError unless the app serves, and all data is in it."""
        with self._noticing():
            self.sentinels.verify_content()
            self._verify_own()

    def verify_restored(self, left_out: frozenset[str]) -> None:
        """The same of files with their modes and owners; claims ``left_out`` are not looked at."""
        with self._noticing():
            self.sentinels.without(left_out).verify()
            self._verify_own()

    def settle(self) -> None:
        """Take the files' modes and owners as they are for those that they should have.

        Some apps give themselves everything in their volumes when they start.
        """
        with self._noticing():
            self.sentinels.verify_content()
        self.sentinels = self.sentinels.as_they_are()

    def destroy(self) -> list[str]:
        """Take away what runs and the claims with their data; return what is there nevertheless.

        Raises ``WaitTimeout``.
        """
        kube, claims = self.app.kube, self.app.delivery.claims()
        workloads = self.app.live.workloads()
        doomed = [*(one.ref for one in workloads), *map(ref_of, claims)]
        left = lose(kube, doomed, claims)
        for one in workloads:
            wait_each(kube, one.pods, deleted(), timeout=kube.timeouts.deletion)
        return left

    def delete_restored(self, restore: str) -> None:
        """Delete the pods that a Restore has brought, as an operator does; returns when they end.

        They would wait for Velero once more, and for ever, at the next restart of the node. One of
        a workload whose template has changed since the backup is nobody's, and would run beside
        the workload's own, on the same volume. So it is done before Flux makes the workload again.
        Raises ``WaitTimeout``.
        """
        kube = self.app.kube
        for namespace in self.app.delivery.namespaces:
            pods = Selection("v1", "Pod", namespace, f"{RESTORE_NAME}={restore}")
            for pod in kube.list(*pods):
                kube.delete(*ref_of(pod))
            wait_each(kube, pods, deleted(), timeout=kube.timeouts.deletion)

    def _verify_own(self) -> None:
        self.app.prove_again()
        self.own.verify()

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except AssertionError as error:
            self.lost = str(error).splitlines()[0]
            raise
