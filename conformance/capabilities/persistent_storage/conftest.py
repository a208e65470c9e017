"""What the storage checks share: an app with data that has to survive, and claims."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.apps.deployment import HelmDeployment, image_values
from conformance.apps.image_builds import VERSIONS
from conformance.capabilities.persistent_storage.claims import ClaimBytes, ClaimedBytes
from conformance.clusters.volumes import path_on_node
from conformance.kube.apply import apply_file
from conformance.suite.check import not_run, shared

if TYPE_CHECKING:
    from conformance.apps.base import App, Seed
    from conformance.apps.image_builds import AppImages
    from conformance.apps.images import Candidate
    from conformance.clusters.base import Cluster
    from conformance.common.package import Package
    from conformance.kube.client import Kube
    from conformance.platform.clients import Clients
    from conformance.services.flux import Flux

CLAIM = Path(__file__).with_name("claim.yaml")


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
    """Data in the app: a database, thousands of files, a large one, modes, links, odd names."""
    return deployed.seed()


@pytest.fixture
def claim_bytes(
    kube: Kube,
    cluster: Cluster,
    platform: Flux,  # noqa: ARG001 - storage classes
    image: Candidate,
    namespace: str,
    clients: Clients,
) -> Iterator[ClaimBytes]:
    """Creates a claim with the wanted properties and a pod that writes to it."""

    def claim(*, retained: bool = False, access_mode: str = "ReadWriteOnce") -> ClaimedBytes:
        storage = clients.platform.storage
        if retained and not storage.retained:
            not_run("the platform has no storage class that keeps volumes (storage.retained)")
        storage_class = storage.retained if retained else storage.storage_class
        wanted = {"storage_class": storage_class, "access_mode": access_mode}
        apply_file(kube, CLAIM, namespace=namespace, image=image.by_digest, **wanted)
        return ClaimedBytes(kube, cluster, namespace)

    yield claim
    for volume in kube.list("v1", "PersistentVolume"):
        retained = volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
        if retained and volume["spec"]["claimRef"]["namespace"] == namespace:
            kube.delete("v1", "PersistentVolume", volume["metadata"]["name"])
            cluster.node_run(["rm", "-rf", path_on_node(volume)])
