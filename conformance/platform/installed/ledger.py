"""One run at a time on a platform of others, and nothing of it left: the ledger of a run.

Everything that a run makes carries its label (``namespaces.RUN_LABEL``), users in Kratos' metadata.
A Lease in a namespace of the run's says that it goes on; one that is not renewed belongs to a run
that was killed, and the next command removes what that has left.
https://kubernetes.io/docs/concepts/architecture/leases/
"""

from __future__ import annotations

import platform as host
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from conformance.common.errors import HarnessError
from conformance.kube.apply import apply
from conformance.kube.client import Kube
from conformance.kube.conditions import exists
from conformance.kube.errors import ApiError, Conflict, Unreachable
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import wait
from conformance.platform.changes import CHANGE_LABEL
from conformance.platform.clients import Clients
from conformance.platform.installed import homes
from conformance.platform.installed.foreign import Foreign, foreign
from conformance.platform.installed.leftovers import remove
from conformance.platform.namespaces import RUN_LABEL

LEASE = Ref("coordination.k8s.io/v1", "Lease", "run", homes.RUN)
LEASE_SECONDS = 60
"""After which a lease that was not renewed is worth nothing."""
_RENEW_SECONDS = 15.0
_CLEAN = "stackspin-conformance platform clean"


class Ledger:
    """What one run has on a platform of others."""

    def __init__(
        self, kube: Kube, clients: Clients, run_id: str, say: Callable[[str], None]
    ) -> None:
        self._kube = kube
        self._clients = clients
        self._run_id = run_id
        self._say = say
        self._over = threading.Event()
        self._began = _now()

    def begin(self) -> None:
        """Take the platform for this run.

        What a killed run has left is removed first. Raises HarnessError if another run goes on, or
        if something cannot be removed.
        """
        if self._kube.find("v1", "Namespace", homes.RUN) is not None:
            refuse_beside_another_run(self._kube)
            self._say("platform: removing what a killed run has left")
            if left := remove(self._kube, self._clients, self._say):
                lines = "\n".join(left)
                raise HarnessError(f"a killed run has left\n{lines}", f"try {_CLEAN}")
        try:
            self._kube.create(_namespace(homes.RUN, self._run_id))
        except Conflict as error:
            raise HarnessError(
                "another run of this suite has just begun on this platform", "wait for its end"
            ) from error
        self._kube.create(self._lease())
        apply(self._kube, _namespace(homes.APPS, self._run_id))
        for name in homes.BOTH:
            wait(self._kube, Ref("v1", "ServiceAccount", "default", name), exists())
        apply(self._kube, self._entry())
        threading.Thread(target=self._renew, name="lease", daemon=True).start()

    def end(self, before: Foreign | None) -> list[str]:
        """Remove everything of this run; return what is still there, a line each.

        So is what is not the run's and not as it was ``before``; None: that does not matter.
        """
        then = ", then looking whether the rest is as before" if before else ""
        self._say(f"platform: removing what the run has made{then}")
        try:
            left = [
                f"left on the platform: {one}"
                for one in remove(self._kube, self._clients, lambda _: None)
            ]
            changes = before.changes_to(foreign(self._kube)) if before else []
            return left + [f"not the run's, and not as before: {one}" for one in changes]
        except (ApiError, Unreachable) as error:
            return [f"what the run has made may still be there ({_CLEAN} removes it): {error}"]
        finally:
            self._over.set()

    def _renew(self) -> None:
        while not self._over.wait(_RENEW_SECONDS):
            with suppress(Exception):  # the cluster may be away for a moment
                spec = {"renewTime": _now()}
                self._kube.patch(*LEASE, {"spec": spec})

    def _lease(self) -> Object:
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": _metadata(LEASE.name, self._run_id, homes.RUN),
            "spec": {
                "holderIdentity": f"run {self._run_id} on {host.node()}",
                "leaseDurationSeconds": LEASE_SECONDS,
                "acquireTime": self._began,
                "renewTime": _now(),
            },
        }

    def _entry(self) -> Object:
        """Return what tells the platform's people whose these things are."""
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": _metadata("run", self._run_id, homes.RUN),
            "data": {
                "run": self._run_id,
                "host": host.node(),
                "began": self._began,
                "what": (
                    "A run of the Stackspin conformance suite. Everything that it has made on "
                    f"this cluster has the label {RUN_LABEL}={self._run_id}: namespaces with all "
                    "that is in them, ConfigMaps, and objects of Velero. Its users have that in "
                    "Kratos' metadata_admin. What it changes of other objects for a while is in "
                    f"Secrets with the label {CHANGE_LABEL}."
                ),
                "remove": (
                    "It removes all of it, and puts back what it has changed, at its end. "
                    f"If it was killed: {_CLEAN}"
                ),
            },
        }


def refuse_beside_another_run(kube: Kube) -> None:
    """Raise HarnessError if a run goes on that holds the platform."""
    lease = kube.find(*LEASE)
    if lease is None:
        return
    spec = lease["spec"]
    renewed = datetime.fromisoformat(spec["renewTime"])
    age = (datetime.now(UTC) - renewed).total_seconds()
    if age < spec["leaseDurationSeconds"]:
        raise HarnessError(
            f"{spec['holderIdentity']} is on this platform, since {spec['acquireTime']}",
            f"wait for its end; if it was killed, try again in {LEASE_SECONDS} seconds",
        )


def _namespace(name: str, run_id: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": _metadata(name, run_id)}


def _metadata(name: str, run_id: str, namespace: str | None = None) -> Object:
    metadata: Object = {"name": name, "labels": {RUN_LABEL: run_id}}
    return {**metadata, "namespace": namespace} if namespace else metadata


def _now() -> str:
    """Return the time as a Lease has it: a MicroTime."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
