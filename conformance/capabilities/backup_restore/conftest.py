"""Fixtures of the checks of backups: Velero, its bucket, and apps that are backed up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING

import pytest

from conformance.apps.catalogue import APPS
from conformance.apps.deployment import image_values
from conformance.apps.image_builds import NOTES, VERSIONS
from conformance.apps.tracked_copy import tracked_copy
from conformance.capabilities.backup_restore.at_once import AtOnce
from conformance.capabilities.backup_restore.claimed_files import MANIFEST, ClaimedFiles
from conformance.capabilities.backup_restore.faults import Victim
from conformance.capabilities.backup_restore.in_place import InPlace
from conformance.capabilities.backup_restore.locations import REFUSALS, UnusableLocation
from conformance.capabilities.backup_restore.login import AppWithLogin
from conformance.capabilities.backup_restore.removed_app import RemovedApp
from conformance.capabilities.backup_restore.scenarios import BackupSet, WholeNamespace
from conformance.kube.apply import apply_file
from conformance.suite.backed_up_app import BackedUpApp
from conformance.suite.check import shared
from conformance.suite.described import object_store_of, store_deployment_of
from conformance.suite.preparations import prepared
from conformance.suite.refused_location import refused_location

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.apps.image_builds import AppImages, ImageBuilds
    from conformance.apps.tracked import TrackedBranch
    from conformance.common.package import Package
    from conformance.kube.client import Kube
    from conformance.platform.clients import Clients
    from conformance.platform.namespaces import Namespaces
    from conformance.platform.site import Site
    from conformance.services.flux import Flux
    from conformance.services.object_store import ObjectStore
    from conformance.services.velero import Velero
    from conformance.suite.accounts import Accounts
    from conformance.suite.preparations import Materials, Preparations

COPIES = ("backup-copy", "backup-damaged")
"""Hints of the namespaces into which an app is restored beside itself."""

_UPGRADE_SECONDS = 120
"""After which an upgrade of a copy of an app counts as failed; nobody upgrades it."""


@pytest.fixture(scope=shared)
def object_store(backups: Flux, clients: Clients) -> ObjectStore:  # noqa: ARG001
    """The bucket that the backups are in."""
    return object_store_of(clients)


@prepared("whole_namespace", beside="update_pipeline")
def begin_whole_namespace(materials: Materials) -> WholeNamespace:
    """Begin with notes."""
    of_whom = materials.wanted["whole_namespace"]
    copies = tuple(materials.namespaces.create(hint, of_whom) for hint in COPIES)
    app = _notes(materials, "whole_namespace", "backup")
    return _whole_namespace(app, materials.site.stack.clients, copies)


@pytest.fixture(scope=shared)
def whole_namespace(
    app: App,
    preparations: Preparations,
    backed_up_app: Callable[[str], BackedUpApp],
    clients: Clients,
    namespaces: Callable[[str], str],
    namespace_pool: Namespaces,
) -> Iterator[WholeNamespace]:
    """An app whose namespace is backed up, lost and restored, in the background."""
    if app.name == NOTES and preparations.begun(begin_whole_namespace):
        begun = preparations.result(begin_whole_namespace)
        mine = [begun.namespace, begun.copy_namespace, begun.damaged_namespace]
    else:
        copies = tuple(namespaces(hint) for hint in COPIES)
        begun, mine = _whole_namespace(backed_up_app("backup"), clients, copies), []
    yield begun
    begun.end()
    for namespace in mine:
        namespace_pool.delete(namespace)


def _whole_namespace(app: BackedUpApp, clients: Clients, copies: tuple[str, ...]) -> WholeNamespace:
    described = clients.platform.backup.store
    store = clients.object_store(described) if described else None
    copy, damaged = copies
    return WholeNamespace(app, store, (copy, damaged))


@prepared("backup_set", beside="update_pipeline")
def begin_backup_set(materials: Materials) -> BackupSet:
    """Begin with notes."""
    return BackupSet(_notes(materials, "backup_set", "backup-set"))


@pytest.fixture(scope=shared)
def backup_set(
    app: App,
    preparations: Preparations,
    backed_up_app: Callable[[str], BackedUpApp],
    namespace_pool: Namespaces,
) -> Iterator[BackupSet]:
    """An app whose backup set is backed up, lost and restored, in the background."""
    if app.name == NOTES and preparations.begun(begin_backup_set):
        begun = preparations.result(begin_backup_set)
        mine = [begun.app.namespace]
    else:
        begun, mine = BackupSet(backed_up_app("backup-set")), []
    yield begun
    begun.end()
    for namespace in mine:
        namespace_pool.delete(namespace)


def _notes(materials: Materials, fixture: str, hint: str) -> BackedUpApp:
    """Prepare notes in a fresh namespace of who needs ``fixture``, on a platform with backups."""
    stack, package = materials.site.stack, materials.package
    stack.backups()
    values = image_values(materials.images.of(package, NOTES, VERSIONS[0]))
    deployment = materials.undeployed(APPS[NOTES], fixture, hint)
    return BackedUpApp(deployment, package.chart(NOTES), values, stack.clients.velero())


@pytest.fixture(scope=shared)
def in_place(
    backed_up_app: Callable[[str], BackedUpApp], object_store: ObjectStore
) -> Iterator[InPlace]:
    """An app that is damaged while it runs and restored over, in the background."""
    begun = InPlace(backed_up_app("backup-in-place"), object_store)
    yield begun
    begun.end()


@pytest.fixture(scope=shared)
def at_once(
    backed_up_app: Callable[[str], BackedUpApp],
    object_store: ObjectStore,
    namespaces: Callable[[str], str],
) -> Iterator[AtOnce]:
    """An app with two backups, restored at the same time, in the background."""
    older, newer = (namespaces(f"backup-{which}-copy") for which in ("older", "newer"))
    begun = AtOnce(backed_up_app("backup-at-once"), object_store, older, newer)
    yield begun
    begun.end()


@pytest.fixture(scope=shared)
def app_with_login(backed_up_app: Callable[[str], BackedUpApp], accounts: Accounts) -> AppWithLogin:
    """An app that users can log in to with the platform's login, not installed yet."""
    return AppWithLogin(backed_up_app("backup-login"), accounts)


@pytest.fixture(scope=shared)
def empty_cluster(
    other_cluster: Future[Site], package: Package, app: App, image_builds: ImageBuilds
) -> Site:
    """The other cluster, with nothing of the app but its image in the registry."""
    image = image_builds.begin(package.app(app.name), VERSIONS[0]).result()
    site = other_cluster.result()
    site.cluster.push_image(image.layout, f"{image.repository}:{image.version}")
    return site


@pytest.fixture
def removed_app(
    velero: Velero,
    here: Site,
    tracked_branch: TrackedBranch,
    app: App,
    app_images: AppImages,  # noqa: ARG001 - in the registry before the app is installed
    package: Package,
) -> Iterator[RemovedApp]:
    """An app of this check alone that Flux installs from the tracked branch, still there."""
    tracked = tracked_copy(
        here, tracked_branch, package, app, "removed", failure_after=_UPGRADE_SECONDS
    )
    made = RemovedApp(tracked, velero)
    try:
        tracked_branch.install([tracked.package])
        yield made
    finally:
        unknown = not made.held_by_flux()
        tracked_branch.remove([tracked])
        if unknown:
            made.delete_restored()


@pytest.fixture
def claimed_files(
    velero: Velero,
    kube: Kube,
    namespace: str,
    package: Package,
    app: App,
    app_images: AppImages,
    clients: Clients,
) -> ClaimedFiles:
    """An empty claim, and a pod of root that mounts it."""
    image = app_images.of(package, app.name, VERSIONS[0]).by_digest
    storage_class = clients.platform.storage.storage_class
    apply_file(kube, MANIFEST, namespace=namespace, image=image, storage_class=storage_class)
    return ClaimedFiles(kube, velero, namespace)


@pytest.fixture(params=["credentials", "bucket"])
def unusable_location(
    request: pytest.FixtureRequest, velero: Velero, kube: Kube, namespace: str
) -> Iterator[UnusableLocation]:
    """A location with credentials that are refused, or a bucket that is not there."""
    unusable = UnusableLocation(namespace, REFUSALS[request.param])
    if request.param == "credentials":
        with refused_location(kube, velero, namespace):
            yield unusable
        return
    velero.make_location(namespace, bucket=namespace)
    yield unusable
    velero.delete("BackupStorageLocation", namespace)


@pytest.fixture(scope=shared)
def victim(
    backed_up_app: Callable[[str], BackedUpApp], object_store: ObjectStore, clients: Clients
) -> Victim:
    """An app whose backups are interrupted."""
    app = backed_up_app("backup-victim")
    app.deployment.install(app.chart, app.values)
    return Victim(
        app.deployment,
        app.velero,
        clients.node_agent(),
        object_store,
        store_deployment_of(clients),
    )
