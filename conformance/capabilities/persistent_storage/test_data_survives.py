"""An app's data on a volume survives whatever happens to the app, byte for byte.

Stackspin's design, "Persistent data": a local storage provisioner gives an app that requests it a
persistent volume on the disk of the server. A killed process or node is not a power cut: the
kernel's page cache survives it, so these checks say nothing about fsync.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from conformance.apps.deployment import HelmDeployment, image_values, with_version
from conformance.apps.image_builds import VERSIONS
from conformance.apps.writer import Writer
from conformance.capabilities.persistent_storage.containers import kill_container
from conformance.clusters.base import Feature
from conformance.suite.check import check, core, extended

if TYPE_CHECKING:
    from conformance.apps.base import Seed
    from conformance.apps.image_builds import AppImages
    from conformance.clusters.base import Cluster
    from conformance.common.package import Package
    from conformance.kube.client import Kube
    from conformance.report.evidence import EvidenceBox

KILLS = "kills a container by a command on the node"


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
    touches="node",
    effect=KILLS,
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
    touches="node",
    effect=KILLS,
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
