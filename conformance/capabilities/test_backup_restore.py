"""Backup and restore: what is lost comes back, byte for byte, or it is told that it does not.

Stackspin's design, "Backups": Velero copies the volumes of apps, and all that belongs to them, to
an S3 bucket. Which volumes those are, the apps' pods say in an annotation; the label
``stackspin.net/backupSet`` says what belongs to an app.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.apps.deployment import HelmDeployment, image_values
from conformance.apps.image_builds import VERSIONS
from conformance.apps.notes import Notes
from conformance.capabilities.backup_faults import Victim
from conformance.capabilities.backup_journeys import (
    BackupSet,
    Journey,
    Place,
    WholeNamespace,
)
from conformance.check import check, not_applicable, shared
from conformance.services.object_store import BUCKET, ObjectStore
from conformance.services.velero import COMPLETED, LOCATION, Velero, seconds_taken
from conformance.services.velero import NAMESPACE as VELERO

if TYPE_CHECKING:
    from conformance.apps.image_builds import AppImages
    from conformance.kube.client import Kube
    from conformance.package import Package
    from conformance.report.evidence import EvidenceBox
    from conformance.services.flux import Flux
    from conformance.settings import Settings
    from conformance.twins import Twin

MANIFESTS = Path(__file__).with_suffix(".yaml")
MIB = 1024 * 1024
COMPRESSION = 4
"""At most; most of what the apps are seeded with is random, and the same bytes are kept once."""


@pytest.fixture(scope=shared)
def velero(backups: Flux, kube: Kube, settings: Settings) -> Velero:  # noqa: ARG001 - installs it
    """Velero's custom resources on the cluster under test."""
    return Velero(kube, settings.timeouts.backup)


@pytest.fixture(scope=shared)
def store(backups: Flux, kube: Kube, twin: Twin | None) -> ObjectStore:  # noqa: ARG001 - installs it
    """The bucket that the backups are in."""
    return ObjectStore(kube, twin.settings.get("bucket", BUCKET) if twin else BUCKET)


@pytest.fixture(scope=shared)
def place(
    velero: Velero, store: ObjectStore, package: Package, app_images: AppImages, twin: Twin | None
) -> Place:
    """Velero, its bucket, and the app's chart and image."""
    image = app_images.of(package, Notes.name, VERSIONS[0])
    chart = package.chart(Notes.name)
    return Place(velero, store, chart, image_values(image), twin.settings if twin else {})


@pytest.fixture(scope=shared)
def journeys() -> Iterator[list[Journey]]:
    """Every journey that has begun; none goes on when the file's checks are done."""
    begun: list[Journey] = []
    yield begun
    for journey in begun:
        journey.end()


@pytest.fixture(scope=shared)
def whole_namespace(
    undeployed: Callable[[str], HelmDeployment],
    namespaces: Callable[[str], str],
    place: Place,
    journeys: list[Journey],
    twin: Twin | None,
) -> WholeNamespace:
    """An app on its way through backup, loss and restore of its namespace."""
    copies = (namespaces("backup-copy"), namespaces("backup-damaged"))
    journey = WholeNamespace(undeployed("backup"), place, copies)
    if twin is None:
        journey.begin()
        journeys.append(journey)
    return journey


@pytest.fixture(scope=shared)
def backup_set(
    undeployed: Callable[[str], HelmDeployment],
    whole_namespace: WholeNamespace,  # noqa: ARG001 - so that both are on their way
    place: Place,
    journeys: list[Journey],
    twin: Twin | None,
) -> BackupSet:
    """An app on its way through backup, loss and restore of what has its set's label."""
    journey = BackupSet(undeployed("backup-set"), place)
    if twin is None:
        journey.begin()
        journeys.append(journey)
    return journey


@pytest.fixture
def location(velero: Velero, twin: Twin | None, namespace: str) -> Iterator[str]:
    """Name of the backup location."""
    if twin is None:
        yield LOCATION
        return
    velero.make_location(namespace, **twin.settings)
    yield namespace
    velero.delete("BackupStorageLocation", namespace)


@check(
    "backup_restore.location_available",
    promise="The backup location is Available: Velero reaches the bucket with its credentials.",
)
def test_location_available(velero: Velero, location: str) -> None:
    velero.location_is("Available", location)


@check(
    "backup_restore.backup_by_namespace",
    promise="A backup of an app's namespace completes.",
)
def test_backup_by_namespace(
    whole_namespace: WholeNamespace, velero: Velero, evidence: EvidenceBox
) -> None:
    backup = whole_namespace.backup()
    assert backup["status"]["phase"] == COMPLETED, velero.explain(backup)
    evidence.measure("backup", seconds_taken(backup))


@check(
    "backup_restore.every_claim_in_backup",
    promise="Every claim that an app mounts is in its backup.",
)
def test_every_claim_in_backup(
    whole_namespace: WholeNamespace, velero: Velero, evidence: EvidenceBox
) -> None:
    backup = whole_namespace.backup()
    missing = whole_namespace.missing_volumes(backup)
    assert not missing, "\n".join(missing)
    volumes = velero.volumes(backup)
    evidence.measure("data in volumes", sum(one.bytes for one in volumes) / MIB, "MiB")


@check(
    "backup_restore.objects_in_store",
    promise="What a backup holds is in the bucket: its description, the manifests, the data.",
)
def test_objects_in_store(
    whole_namespace: WholeNamespace, velero: Velero, store: ObjectStore, evidence: EvidenceBox
) -> None:
    backup = whole_namespace.backup()
    name = backup["metadata"]["name"]
    described = store.objects(f"backups/{name}/")
    assert f"backups/{name}/velero-backup.json" in described
    assert described[f"backups/{name}/{name}.tar.gz"] > 0
    data = sum(store.objects(f"kopia/{whole_namespace.namespace}/p").values())
    evidence.measure("data in the bucket", data / MIB, "MiB")
    assert data > sum(one.bytes for one in velero.volumes(backup)) / COMPRESSION


@check(
    "backup_restore.backup_by_set",
    promise="A backup of what has the label of an app's backup set completes.",
)
def test_backup_by_set(backup_set: BackupSet, velero: Velero, evidence: EvidenceBox) -> None:
    backup = backup_set.backup()
    assert backup["status"]["phase"] == COMPLETED, velero.explain(backup)
    evidence.measure("backup", seconds_taken(backup))
    missing = backup_set.missing_volumes(backup)
    assert not missing, "\n".join(missing)


@check(
    "backup_restore.restores_into_other_namespace",
    promise="A backup can be restored into another namespace, beside the original.",
)
def test_restores_into_other_namespace(
    whole_namespace: WholeNamespace, evidence: EvidenceBox
) -> None:
    restore = whole_namespace.copied()
    evidence.measure("restore", seconds_taken(restore))


@check(
    "backup_restore.writes_stop_for_the_backup",
    promise="Hooks make a backup of one moment: all that was acknowledged before, nothing after.",
)
def test_writes_stop_for_the_backup(whole_namespace: WholeNamespace) -> None:
    backup = whole_namespace.backup()
    hooks = backup["status"].get("hookStatus", {})
    assert hooks.get("hooksAttempted", 0) >= 2, f"hooks before and after did not run: {hooks}"
    writer = whole_namespace.writer
    if writer is None:
        not_applicable("the suite has no writer for this app")
    assert writer.refusal, "the app went on writing while its volume was copied"
    whole_namespace.copied()
    with whole_namespace.copied_instance() as copy:
        notes = copy.session.get(f"{copy.base_url}/api/notes").json()["notes"]
    written = [note["text"] for note in notes if note["text"].startswith(writer.PREFIX)]
    assert written == writer.acknowledged


@check(
    "backup_restore.failing_hook_reported",
    promise="A backup whose hook fails is PartiallyFailed.",
)
def test_failing_hook_reported(backup_set: BackupSet) -> None:
    backup = backup_set.backup_with_failing_hook()
    assert backup["status"]["phase"] == "PartiallyFailed", "a failed hook went unnoticed"


@check(
    "backup_restore.restores_lost_namespace",
    promise="An app whose namespace was lost is restored with its data, byte for byte.",
)
def test_restores_lost_namespace(whole_namespace: WholeNamespace, evidence: EvidenceBox) -> None:
    assert not whole_namespace.left(), "not all was lost, so that restoring it proves nothing"
    restore = whole_namespace.restored()
    evidence.measure("restore", seconds_taken(restore))


@check(
    "backup_restore.restores_lost_set",
    promise="An app whose claims were lost is restored with its data from its backup set.",
)
def test_restores_lost_set(backup_set: BackupSet, evidence: EvidenceBox) -> None:
    assert not backup_set.left(), "not all was lost, so that restoring it proves nothing"
    restore = backup_set.restored()
    evidence.measure("restore", seconds_taken(restore))


@check(
    "backup_restore.altered_byte_fails_restore",
    promise="One altered byte in the object store ends in a failed restore, not in wrong data.",
)
def test_altered_byte_fails_restore(whole_namespace: WholeNamespace, velero: Velero) -> None:
    restore = whole_namespace.restored_damaged()
    assert restore["status"]["phase"] != COMPLETED, "the restore completed with an altered byte"
    assert [one for one in velero.volumes(restore) if one.phase == "Failed"]


@check(
    "backup_restore.schedule_creates",
    level="extended",
    promise="A Schedule makes backups by itself.",
)
def test_schedule_creates(velero: Velero, namespace: str, twin: Twin | None) -> None:
    cron = twin.settings["cron"] if twin else "@every 5s"
    velero.make_schedule(namespace, cron=cron, namespaces=[namespace])
    try:
        backup = velero.scheduled(namespace)
    finally:
        velero.delete("Schedule", namespace)
    assert backup["status"]["phase"] == COMPLETED, velero.explain(backup)


@check(
    "backup_restore.expiry_deletes",
    level="extended",
    promise="A backup whose time is over is deleted, in the object store as well.",
)
def test_expiry_deletes(
    velero: Velero, store: ObjectStore, namespace: str, twin: Twin | None
) -> None:
    ttl = twin.settings["ttl"] if twin else "15s"
    velero.back_up(namespace, namespaces=[namespace], ttl=ttl)
    velero.completed("Backup", namespace)
    assert store.objects(f"backups/{namespace}/")
    velero.gone("Backup", namespace)
    left = store.objects(f"backups/{namespace}/")
    assert not left, f"still in the object store: {', '.join(left)}"


@pytest.fixture(params=["credentials", "bucket"])
def unusable_location(
    request: pytest.FixtureRequest, velero: Velero, kube: Kube, namespace: str, twin: Twin | None
) -> Iterator[str]:
    """Name of a location with credentials that are refused, or a bucket that is not there."""
    if twin is None and request.param == "credentials":
        velero.make_location(namespace, credential=namespace)
        kube.apply_file(MANIFESTS, name=namespace, namespace=VELERO)
    else:
        velero.make_location(namespace, bucket=twin.settings["bucket"] if twin else namespace)
    yield namespace
    velero.delete("BackupStorageLocation", namespace)
    kube.delete("v1", "Secret", namespace, VELERO)


@check(
    "backup_restore.unusable_location_reported",
    level="extended",
    promise="With refused credentials or no bucket, location and backup say so; others go on.",
)
def test_unusable_location_reported(
    velero: Velero, unusable_location: str, namespace: str, evidence: EvidenceBox
) -> None:
    location = velero.location_is("Unavailable", unusable_location)
    evidence.note(location["status"]["message"])
    velero.back_up(f"{namespace}-refused", namespaces=[namespace], location=unusable_location)
    backup = velero.finished("Backup", f"{namespace}-refused")
    assert backup["status"]["phase"] == "FailedValidation", velero.explain(backup)
    evidence.note(velero.explain(backup))
    velero.back_up(namespace, namespaces=[namespace])
    velero.completed("Backup", namespace)


@pytest.fixture(scope=shared)
def victim(
    undeployed: Callable[[str], HelmDeployment], place: Place, journeys: list[Journey]
) -> Victim:
    """An app whose backups are interrupted, when no other app is on a journey any more."""
    for journey in journeys:
        journey.wait()
    deployment = undeployed("backup-victim")
    deployment.install(place.chart, place.values)
    return Victim(deployment, place.velero)


@check(
    "backup_restore.store_down_reported",
    level="extended",
    promise="A backup that begins while the object store is down says so; the next one works.",
)
def test_store_down_reported(
    victim: Victim, velero: Velero, namespace: str, evidence: EvidenceBox, twin: Twin | None
) -> None:
    with victim.store_down() if twin is None else contextlib.nullcontext():
        velero.back_up(namespace, namespaces=[namespace])
        backup = velero.finished("Backup", namespace)
    evidence.note(velero.explain(backup))
    assert backup["status"]["phase"] != COMPLETED, "a backup without a store is Completed"
    velero.location_is("Available", LOCATION)
    velero.back_up(f"{namespace}-next", namespaces=[namespace])
    velero.completed("Backup", f"{namespace}-next")


@check(
    "backup_restore.interrupted_backup_reported",
    level="extended",
    promise="A backup in which something broke never says that it completed; the next one works.",
)
@pytest.mark.parametrize("fault", ["store-down", "node-agent-killed", "velero-killed"])
def test_interrupted_backup_reported(
    victim: Victim, velero: Velero, fault: str, evidence: EvidenceBox, twin: Twin | None
) -> None:
    name = f"{victim.namespace}-{fault}"
    backup = victim.interrupted_backup(name, None if twin else fault)
    evidence.note(velero.explain(backup))
    assert backup["status"]["phase"] != COMPLETED, f"Completed in spite of {fault}"
    velero.back_up(f"{name}-next", namespaces=[victim.namespace])
    velero.completed("Backup", f"{name}-next")
