"""Fixtures of the checks of backups: Velero, its bucket, and apps on their journeys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.apps.deployment import HelmDeployment, image_values
from conformance.apps.image_builds import VERSIONS
from conformance.capabilities.backup_restore.faults import Victim
from conformance.capabilities.backup_restore.journeys import (
    BackupSet,
    Journey,
    Place,
    WholeNamespace,
)
from conformance.capabilities.backup_restore.login import AppWithLogin
from conformance.kube.apply import apply_file
from conformance.platform.reference import Stack
from conformance.services.object_store import BUCKET, ObjectStore
from conformance.services.velero import LOCATION, Velero
from conformance.services.velero import NAMESPACE as VELERO
from conformance.suite.check import shared

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.apps.image_builds import AppImages, ImageBuilds
    from conformance.common.package import Package
    from conformance.common.settings import Settings
    from conformance.kube.client import Kube
    from conformance.platform.secondary import SecondaryClusters, Site
    from conformance.services.flux import Flux
    from conformance.suite.parties import Parties
    from conformance.suite.twins import Twin

CREDENTIALS = Path(__file__).with_name("credentials.yaml")
REFUSALS = {"credentials": "InvalidAccessKeyId", "bucket": "NoSuchBucket"}
"""What is wrong with a location -> the error with which S3 refuses it.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""


@dataclass(frozen=True)
class UnusableLocation:
    """A backup location that the object store does not serve."""

    name: str
    refusal: str
    """S3's error."""


@pytest.fixture(scope=shared)
def velero(backups: Flux, kube: Kube, settings: Settings) -> Velero:  # noqa: ARG001 - installs it
    """Velero's custom resources on the cluster under test."""
    return Velero(kube, settings.timeouts.backup)


@pytest.fixture(scope=shared)
def object_store(backups: Flux, kube: Kube, twin: Twin | None) -> ObjectStore:  # noqa: ARG001 - installs it
    """The bucket that the backups are in."""
    return ObjectStore(kube, twin.settings.get("bucket", BUCKET) if twin else BUCKET)


@pytest.fixture(scope=shared)
def backup_place(
    velero: Velero,
    object_store: ObjectStore,
    package: Package,
    app: App,
    app_images: AppImages,
    twin: Twin | None,
) -> Place:
    """Velero, its bucket, and the app's chart and image."""
    image = app_images.of(package, app.name, VERSIONS[0])
    chart = package.chart(app.name)
    return Place(velero, object_store, chart, image_values(image), twin.settings if twin else {})


@pytest.fixture(scope=shared)
def backup_journeys() -> Iterator[list[Journey]]:
    """Every journey that has begun; none goes on when the file's checks are done."""
    begun: list[Journey] = []
    yield begun
    for journey in begun:
        journey.end()


@pytest.fixture(scope=shared)
def whole_namespace(
    undeployed: Callable[[str], HelmDeployment],
    namespaces: Callable[[str], str],
    backup_place: Place,
    backup_journeys: list[Journey],
    twin: Twin | None,
) -> WholeNamespace:
    """An app on its way through backup, loss and restore of its namespace."""
    copies = (namespaces("backup-copy"), namespaces("backup-damaged"))
    journey = WholeNamespace(undeployed("backup"), backup_place, copies)
    if twin is None:
        journey.begin()
        backup_journeys.append(journey)
    return journey


@pytest.fixture(scope=shared)
def backup_set(
    undeployed: Callable[[str], HelmDeployment],
    backup_place: Place,
    backup_journeys: list[Journey],
    twin: Twin | None,
) -> BackupSet:
    """An app on its way through backup, loss and restore of what has its set's label."""
    journey = BackupSet(undeployed("backup-set"), backup_place)
    if twin is None:
        journey.begin()
        backup_journeys.append(journey)
    return journey


@pytest.fixture(scope=shared)
def journeys_ended(backup_journeys: list[Journey]) -> None:
    """No app is on a journey any more."""
    for journey in backup_journeys:
        journey.wait()


@pytest.fixture(scope=shared)
def app_with_login(
    undeployed: Callable[[str], HelmDeployment], backup_place: Place, parties: Parties
) -> AppWithLogin:
    """An app that people log in to, on its way through loss and restore of its namespace."""
    return AppWithLogin(undeployed("backup-login"), backup_place, parties)


@pytest.fixture(scope=shared)
def other_cluster(secondary_clusters: SecondaryClusters) -> Iterator[Site]:
    """Another cluster, with backups installed; no app."""
    yield secondary_clusters.begin("restore", Stack.backups).result()
    secondary_clusters.end("restore")


@pytest.fixture(scope=shared)
def empty_cluster(
    other_cluster: Site, package: Package, app: App, image_builds: ImageBuilds
) -> Site:
    """The other cluster, with nothing of the app but its image in the registry."""
    image = image_builds.begin(package.app(app.name), VERSIONS[0]).result()
    other_cluster.registry.push_layout(image.layout, f"{image.repository}:{image.version}")
    return other_cluster


@pytest.fixture
def backup_location(velero: Velero, twin: Twin | None, namespace: str) -> Iterator[str]:
    """Name of the backup location."""
    if twin is None:
        yield LOCATION
        return
    velero.make_location(namespace, **twin.settings)
    yield namespace
    velero.delete("BackupStorageLocation", namespace)


@pytest.fixture(params=["credentials", "bucket"])
def unusable_location(
    request: pytest.FixtureRequest, velero: Velero, kube: Kube, namespace: str, twin: Twin | None
) -> Iterator[UnusableLocation]:
    """A location with credentials that are refused, or a bucket that is not there."""
    if twin:
        velero.make_location(namespace, credential=twin.settings["secret"])
    elif request.param == "credentials":
        # First of all: a location whose Secret is not there yet never gets to the store.
        apply_file(kube, CREDENTIALS, name=namespace, namespace=VELERO)
        velero.make_location(namespace, credential=namespace)
    else:
        velero.make_location(namespace, bucket=namespace)
    yield UnusableLocation(namespace, REFUSALS[request.param])
    velero.delete("BackupStorageLocation", namespace)
    kube.delete("v1", "Secret", namespace, VELERO)


@pytest.fixture(scope=shared)
def victim(
    undeployed: Callable[[str], HelmDeployment],
    backup_place: Place,
    journeys_ended: None,  # noqa: ARG001 - its faults would be everybody's
) -> Victim:
    """An app whose backups are interrupted."""
    deployment = undeployed("backup-victim")
    deployment.install(backup_place.chart, backup_place.values)
    return Victim(deployment, backup_place.velero, backup_place.store)
