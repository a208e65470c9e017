"""Persistent storage: data on a volume survives whatever happens to the app, byte for byte.

Stackspin's design, "Persistent data": a local storage provisioner gives an app that requests it a
persistent volume on the disk of the server. A killed process or node is not a power cut: the
kernel's page cache survives it, so these checks say nothing about fsync.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.apps import tree
from conformance.apps.deployment import (
    HelmDeployment,
    container_status,
    image_values,
    with_version,
)
from conformance.apps.image_builds import VERSIONS
from conformance.apps.writer import Writer
from conformance.clusters.base import Feature
from conformance.kube.apply import apply_file
from conformance.kube.conditions import Condition, deleted, exists, phase, ready
from conformance.kube.logs import wait_for_line
from conformance.kube.objects import Ref, Selection
from conformance.kube.wait import wait, wait_each
from conformance.suite.check import check, core, extended, shared

if TYPE_CHECKING:
    from conformance.apps.base import App, Seed
    from conformance.apps.image_builds import AppImages
    from conformance.apps.images import Candidate
    from conformance.clusters.base import Cluster
    from conformance.common.package import Package
    from conformance.kube.client import Kube
    from conformance.report.evidence import EvidenceBox
    from conformance.services.flux import Flux
    from conformance.suite.twins import Twin

MANIFESTS = Path(__file__).with_suffix(".yaml")

ClaimBytes = Callable[..., "ClaimedBytes"]


@dataclass(frozen=True)
class ClaimedBytes:
    """A claim, and a pod that wrote known bytes to it."""

    kube: Kube
    cluster: Cluster
    namespace: str

    def bound(self) -> dict[str, Any]:
        """Return the volume once the claim is bound and the bytes are written."""
        claim = self._wait(
            phase("Bound"), "PersistentVolumeClaim", "bytes", self.kube.timeouts.volume_bound
        )
        self._wait(ready(), "Pod", "writer")
        return self.kube.get("v1", "PersistentVolume", claim["spec"]["volumeName"])

    def written(self) -> str:
        """Return the SHA-256 of the bytes as the pod logged it."""
        return wait_for_line(self.kube, self.namespace, "writer", "  -").split()[0]

    def on_disk(self, volume: dict[str, Any]) -> str | None:
        """Return the SHA-256 of the bytes on the node's disk, None if they are not there."""
        answer = self.cluster.node_run(["cat", f"{path_on_node(volume)}/bytes"])
        return hashlib.sha256(answer.stdout).hexdigest() if answer.returncode == 0 else None

    def release(self) -> None:
        """Delete the pod and then the claim, and wait until both are gone."""
        for kind, name in (("Pod", "writer"), ("PersistentVolumeClaim", "bytes")):
            self.kube.delete("v1", kind, name, self.namespace, grace_seconds=0)
            self._wait(deleted(), kind, name)

    def explanation(self) -> str:
        """Return the cluster's explanation of why the claim is not fulfilled."""
        fields = "involvedObject.name=bytes,reason=ProvisioningFailed"
        failures = Selection("v1", "Event", self.namespace, fields=fields)
        events = wait_each(self.kube, failures, exists(), timeout=self.kube.timeouts.volume_bound)
        return "\n".join(event["message"] for event in events)

    def _wait(
        self, condition: Condition, kind: str, name: str, timeout: float | None = None
    ) -> dict[str, Any]:
        timeout = timeout or self.kube.timeouts.volume_reclaimed
        return wait(self.kube, Ref("v1", kind, name, self.namespace), condition, timeout=timeout)


def path_on_node(volume: dict[str, Any]) -> str:
    """Return where a volume's bytes are on the node's disk."""
    source = volume["spec"].get("local") or volume["spec"]["hostPath"]
    return str(source["path"])


@pytest.fixture(scope=shared)
def image(app_images: AppImages, package: Package, app: App) -> Candidate:
    """The app's image."""
    return app_images.of(package, app.name, VERSIONS[0])


@pytest.fixture(scope=shared)
def deployed(
    undeployed: Callable[[str], HelmDeployment], package: Package, app: App, image: Candidate
) -> HelmDeployment:
    """The app whose data has to survive, installed from its chart."""
    deployment = undeployed("storage")
    deployment.install(package.chart(app.name), image_values(image))
    return deployment


@pytest.fixture(scope=shared)
def seed(deployed: HelmDeployment) -> Seed:
    """Data in the app: a database, thousands of files, a large one, modes, links, odd names.

    One altered byte in any of its volumes must be noticed; otherwise the comparisons below would
    prove nothing.
    """
    app = deployed.app
    planted = app.seed(deployed.instance)
    for volume in app.volumes:
        files = planted.files[volume.mount_path]
        largest = max(files, key=lambda path: files[path].size)
        run, path = deployed.instance.holding(volume).run, f"{volume.mount_path}/{largest}"
        tree.alter(run, path)
        with pytest.raises(tree.DataDiffers, match="sha256"):
            app.verify(deployed.instance, planted)
        tree.alter(run, path)
    return planted


@pytest.fixture
def claim_bytes(
    kube: Kube,
    cluster: Cluster,
    platform: Flux,  # noqa: ARG001 - storage classes
    image: Candidate,
    namespace: str,
    twin: Twin | None,
) -> Iterator[ClaimBytes]:
    """Creates a claim with the wanted properties and a pod that writes to it."""
    wrong = twin.settings if twin else {}

    def claim(storage_class: str, access_mode: str = "ReadWriteOnce") -> ClaimedBytes:
        wanted = {"storage_class": storage_class, "access_mode": access_mode, **wrong}
        apply_file(kube, MANIFESTS, namespace=namespace, image=image.by_digest, **wanted)
        return ClaimedBytes(kube, cluster, namespace)

    yield claim
    for volume in kube.list("v1", "PersistentVolume"):
        retained = volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
        if retained and volume["spec"]["claimRef"]["namespace"] == namespace:
            kube.delete("v1", "PersistentVolume", volume["metadata"]["name"])
            cluster.node_run(["rm", "-rf", path_on_node(volume)])


def kill_container(deployed: HelmDeployment, cluster: Cluster) -> dict[str, Any]:
    """SIGKILL the first process where the app's records are, as the kernel does when memory is
    short; return the pod as it was.
    """
    pod = deployed.instance.pod()
    status = container_status(pod, deployed.keeper.container)
    container = status["containerID"].rpartition("/")[2]
    kill = ["ctr", "--namespace=k8s.io", "tasks", "kill", "--signal=SIGKILL", container]
    answer = cluster.node_run(kill)
    assert answer.returncode == 0, answer.stderr.decode()
    return pod


# Runs first: after the node was killed, what later checks need is installed during the others.
@check(
    "persistent_storage.survives_node_kill",
    promise="Data on a persistent volume survives when all node processes are killed at once.",
    needs=(Feature.NODE_KILL,),
    apps=core("notes") | extended("wordpress"),
)
def test_survives_node_kill(
    deployed: HelmDeployment, seed: Seed, cluster: Cluster, evidence: EvidenceBox
) -> None:
    pod = deployed.instance.pod()
    cluster.kill_node()
    with evidence.timed("app Ready after SIGKILL of the node"):
        with evidence.timed("node Ready after SIGKILL"):
            cluster.restart_node()
        deployed.wait_for_restart(pod)
    deployed.app.verify(deployed.instance, seed)


@check(
    "persistent_storage.claim_binds",
    promise="A claim with the platform's storage class gets a volume that a pod can write to.",
)
def test_claim_binds(claim_bytes: ClaimBytes) -> None:
    claimed = claim_bytes("local-path")
    volume = claimed.bound()
    assert "local" in volume["spec"], "the volume is of a type that backups of files leave out"
    assert len(claimed.written()) == len(hashlib.sha256().hexdigest())


@check(
    "persistent_storage.survives_pod_deletion",
    promise="Data on a persistent volume survives the deletion of the pod that wrote it.",
    apps=core("notes", "wordpress"),
)
def test_survives_pod_deletion(deployed: HelmDeployment, seed: Seed, kube: Kube) -> None:
    pod = deployed.instance.pod()
    kube.delete("v1", "Pod", pod["metadata"]["name"], deployed.namespace)
    deployed.wait_for_replacement(pod)
    deployed.app.verify(deployed.instance, seed)


# After the deletion, in a new pod: a second restart of the same pod is delayed by 10 s.
@check(
    "persistent_storage.survives_container_kill",
    promise="Data on a persistent volume survives when the container is killed.",
    needs=(Feature.NODE_SHELL,),
    apps=core("notes", "wordpress"),
)
def test_survives_container_kill(deployed: HelmDeployment, seed: Seed, cluster: Cluster) -> None:
    deployed.wait_for_restart(kill_container(deployed, cluster), deployed.keeper.container)
    deployed.app.verify(deployed.instance, seed)


@check(
    "persistent_storage.survives_chart_upgrade",
    promise="Data on a persistent volume survives an upgrade of the chart to the next version.",
    apps=core("notes", "wordpress"),
)
def test_survives_chart_upgrade(
    deployed: HelmDeployment, seed: Seed, app_images: AppImages, package: Package, tmp_path: Path
) -> None:
    name = deployed.app.name
    following = app_images.of(package, name, VERSIONS[1])
    chart = with_version(package.chart(name), tmp_path / "chart", VERSIONS[1])
    deployed.upgrade(chart, image_values(following))
    deployed.app.verify(deployed.instance, seed)


@check(
    "persistent_storage.acknowledged_write_survives_kill",
    promise="Writes that the app has acknowledged survive when it is killed while writing.",
    needs=(Feature.NODE_SHELL,),
    apps=core("notes"),
)
def test_acknowledged_write_survives_kill(
    deployed: HelmDeployment, cluster: Cluster, evidence: EvidenceBox
) -> None:
    writer = Writer(deployed)
    with writer:
        writer.wait_until_acknowledged(20)
        pod = kill_container(deployed, cluster)
    deployed.wait_for_restart(pod)
    evidence.measure("writes acknowledged before the kill", len(writer.acknowledged), "notes")
    found = deployed.http.get(f"https://{deployed.host}/api/notes").json()["notes"]
    lost = set(writer.acknowledged) - {note["text"] for note in found}
    assert not lost, f"{len(lost)} acknowledged notes are lost"


@check(
    "persistent_storage.delete_removes_bytes",
    promise="With reclaim policy Delete, deleting a claim removes its bytes from the node's disk.",
    needs=(Feature.BYTES_ON_DISK,),
)
def test_delete_removes_bytes(claim_bytes: ClaimBytes, kube: Kube) -> None:
    claimed = claim_bytes("local-path")
    volume = claimed.bound()
    assert claimed.on_disk(volume) == claimed.written(), (
        "the node's disk does not have the pod's bytes"
    )
    claimed.release()
    gone = Ref("v1", "PersistentVolume", volume["metadata"]["name"])
    wait(kube, gone, deleted(), timeout=kube.timeouts.volume_reclaimed)
    assert claimed.on_disk(volume) is None, "the bytes are still on the node's disk"


@check(
    "persistent_storage.retain_keeps_bytes",
    promise="With reclaim policy Retain, the volume and its bytes stay after the claim is deleted.",
    needs=(Feature.BYTES_ON_DISK,),
)
def test_retain_keeps_bytes(claim_bytes: ClaimBytes, kube: Kube) -> None:
    kept = claim_bytes("local-path-retain")
    volume = kept.bound()
    written = kept.written()
    kept.release()
    deleted_later = claim_bytes("local-path")
    other = deleted_later.bound()["metadata"]["name"]
    deleted_later.release()
    wait(
        kube,
        Ref("v1", "PersistentVolume", other),
        deleted(),
        timeout=kube.timeouts.volume_reclaimed,
    )
    assert kept.on_disk(volume) == written, "the bytes are not on the node's disk any more"
    wait(kube, Ref("v1", "PersistentVolume", volume["metadata"]["name"]), phase("Released"))


@check(
    "persistent_storage.impossible_claim_explained",
    promise="A claim that the platform cannot fulfil stays pending, and an event says why.",
)
def test_impossible_claim_explained(claim_bytes: ClaimBytes) -> None:
    claimed = claim_bytes("local-path", access_mode="ReadWriteMany")
    assert "ReadWriteOnce" in claimed.explanation()
