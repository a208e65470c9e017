"""An app that is backed up and restored: what checks of several capabilities do with one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests

from conformance.apps.backup_rules import missing_in_backup
from conformance.apps.base import Instance, Seed, SeedScale
from conformance.apps.deployment import HelmDeployment
from conformance.apps.loss import lose
from conformance.kube.client import Kube
from conformance.kube.conditions import ready
from conformance.kube.objects import Object, Ref, Selection
from conformance.kube.port_forward import forward
from conformance.kube.wait import WaitTimeout, wait_each
from conformance.services.ingress import UNROUTED
from conformance.services.velero import COMPLETED, Velero, waits_for_data

NO_INGRESS = ("ingresses.networking.k8s.io",)
"""What a copy beside the original leaves out: one host name belongs to one of them."""
RELEASE_SECONDS = 10.0
"""In which a pod goes on whose volumes are restored: both it and kubelet look every second."""


@dataclass(frozen=True)
class AppBackup:
    """A backup of an app, in a final phase."""

    item: Object
    """Velero's Backup."""
    missing: list[str]
    """Claims that the app had then and that are not in the backup, and why that may be."""

    @property
    def name(self) -> str:
        """The Backup's name."""
        return str(self.item["metadata"]["name"])

    @property
    def phase(self) -> str:
        """How the backup ended."""
        return str(self.item["status"]["phase"])


@dataclass(frozen=True)
class BackedUpApp:
    """An app in a namespace of its own, and the Velero that backs it up."""

    deployment: HelmDeployment
    chart: Path
    values: Mapping[str, Any]
    velero: Velero

    @property
    def namespace(self) -> str:
        """Where the app is."""
        return self.deployment.namespace

    @property
    def kube(self) -> Kube:
        """The cluster on which the app is."""
        return self.deployment.kube

    def install(self) -> Seed:
        """Install the app, put test data into it, and return that.

        Raises AssertionError as ``HelmDeployment.seed``.
        """
        self.deployment.install(self.chart, self.values)
        return self.deployment.seed(SeedScale.SMALL)

    def back_up(self, name: str, labels: Mapping[str, str] | None = None) -> AppBackup:
        """Back up the app's namespace, or what has ``labels`` in it, to a final phase."""
        self.velero.back_up(name, namespaces=[self.namespace], labels=labels)
        backup = self.velero.finished("Backup", name)
        return AppBackup(backup, self._missing_claims(backup))

    def lose(self, *doomed: Ref) -> list[str]:
        """Delete objects; return what of them and of the volumes is there nevertheless."""
        claims = self.kube.list("v1", "PersistentVolumeClaim", self.namespace)
        return lose(self.kube, doomed, claims)

    def restore_into(self, namespace: str, backup: str) -> Object:
        """Restore a backup into another namespace, to a final phase, and return the Restore."""
        mapping = {self.namespace: namespace}
        self.velero.restore(namespace, backup, mapping=mapping, excluded=NO_INGRESS)
        return self.velero.finished("Restore", namespace)

    def verify(self, seed: Seed) -> None:
        """Wait until the restored app runs; raise ``DataDiffers`` unless all data is in it."""
        self.wait_until_served()
        self.deployment.app.verify(self.deployment.instance, seed)

    def verify_copy(self, namespace: str, seed: Seed) -> None:
        """The same with a copy that was restored into another namespace."""
        with self.reached(namespace) as copy:
            self.deployment.app.verify(copy, seed)

    def wait_until_served(self) -> None:
        """Return when the restored app is Ready and the ingress routes to it again."""
        wait_each(self.kube, self.pods_in(self.namespace), ready())
        status = self.deployment.wait_served().status_code
        if status in UNROUTED:
            raise AssertionError(
                f"the pods of {self.namespace} are Ready, but the ingress still answers {status} "
                f"after {self.kube.timeouts.routing_after_restart:.0f} s"
            )

    def pods_in(self, namespace: str) -> Selection:
        """Return which pods in a namespace are the app's."""
        return Selection("v1", "Pod", namespace, self.deployment.instance.selector)

    @contextlib.contextmanager
    def reached(self, namespace: str, kube: Kube | None = None) -> Iterator[Instance]:
        """Yield a copy in another namespace or cluster, when it is Ready, without its host name."""
        copy = replace(self.deployment.instance, kube=kube or self.kube, namespace=namespace)
        with reached(copy, self.deployment.host) as found:
            yield found

    def _missing_claims(self, backup: Object) -> list[str]:
        pods = [self.deployment.instance.pod()]
        copied = {
            (one.pod, one.volume)
            for one in self.velero.volumes(backup)
            if one.phase == COMPLETED and one.namespace == self.namespace
        }
        claims = self.kube.list("v1", "PersistentVolumeClaim", self.namespace)
        return missing_in_backup(pods, claims, self.kube.list("v1", "PersistentVolume"), copied)


@contextlib.contextmanager
def reached(copy: Instance, host: str) -> Iterator[Instance]:
    """Yield a copy of an app, when it is Ready, at an address of its own.

    Its host name, ``host``, leads to the original. Raises ``WaitTimeout``.
    """
    pods = Selection("v1", "Pod", copy.namespace, copy.selector)
    pod = wait_each(copy.kube, pods, ready())[0]
    with (
        forward(copy.kube, copy.namespace, pod["metadata"]["name"], _http_port(pod)) as port,
        requests.Session() as session,
    ):
        session.trust_env = False
        # As the ingress would say it: some apps send other visitors to their own name.
        session.headers.update({"Host": host, "X-Forwarded-Proto": "https"})
        yield replace(copy, base_url=f"http://127.0.0.1:{port}", session=session)


def is_released(kube: Kube, pods: Selection, *, within: float = RELEASE_SECONDS) -> bool:
    """Return whether restored pods wait no longer for their data, once a restore has ended.

    They are watched for ``within`` seconds. Raises ``WaitFailed`` unless there is a pod, and it
    waits, when this is asked.
    """
    wait_each(kube, pods, waits_for_data(), fail_on=ready())
    try:
        wait_each(kube, pods, ~waits_for_data(), timeout=within)
    except WaitTimeout:
        return False
    return True


def _http_port(pod: Object) -> int:
    """Return the port at which an app's pod serves: the Service knows it a little later."""
    ports = (port for one in pod["spec"]["containers"] for port in one.get("ports") or ())
    return next(int(port["containerPort"]) for port in ports if port.get("name") == "http")
