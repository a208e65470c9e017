"""Backup and restore: lost data is restored byte for byte, or the failure is reported.

Stackspin's design, "Backups": Velero copies apps' volumes, and everything that belongs to the apps,
to an S3 bucket. An annotation of the apps' pods lists the volumes; the label
``stackspin.net/backupSet`` says what belongs to an app.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.apps.writer import Author
from conformance.capabilities.backup_restore.scenarios import WRITES
from conformance.clusters.base import Feature
from conformance.platform.features import PlatformFeature
from conformance.services.velero import COMPLETED, seconds_taken
from conformance.suite.carried_backup import carry_backup
from conformance.suite.check import check, core, extended

if TYPE_CHECKING:
    from conformance.apps.wordpress import WordPress
    from conformance.capabilities.backup_restore.scenarios import BackupSet, WholeNamespace
    from conformance.platform.clients import Clients
    from conformance.platform.site import Site
    from conformance.report.evidence import EvidenceBox
    from conformance.services.object_store import ObjectStore
    from conformance.services.velero import Velero

MIB = 1024 * 1024
EXPIRY = 30.0
"""Seconds for which the backup that expires is kept; at least three times as long as a backup
takes, or it would be deleted before the check has seen it."""
COMPRESSION = 4
"""At most: most of the apps' test data is random, and equal bytes are stored only once."""


@check(
    "backup_restore.backup_by_namespace",
    promise="A backup of an app's namespace completes.",
    apps=core("notes") | extended("wordpress"),
)
@pytest.mark.usefixtures("backup_set")  # so that both apps are under way
def test_backup_by_namespace(
    whole_namespace: WholeNamespace, velero: Velero, evidence: EvidenceBox
) -> None:
    backup = whole_namespace.backup.result()
    assert backup.phase == COMPLETED, velero.explain(backup.item)
    evidence.measure("backup", seconds_taken(backup.item))


@check(
    "backup_restore.every_claim_in_backup",
    promise="Every claim that an app mounts is in its backup.",
    apps=core("notes") | extended("wordpress"),
)
def test_every_claim_in_backup(
    whole_namespace: WholeNamespace, velero: Velero, evidence: EvidenceBox
) -> None:
    backup = whole_namespace.backup.result()
    assert not backup.missing, "\n".join(backup.missing)
    volumes = velero.volumes(backup.item)
    evidence.measure("data in volumes", sum(one.bytes for one in volumes) / MIB, "MiB")


@check(
    "backup_restore.objects_in_store",
    promise="A backup's description, manifests and data are stored in the bucket.",
    apps=core("notes") | extended("wordpress"),
    features=(PlatformFeature.OBJECT_STORE,),
)
def test_objects_in_store(
    whole_namespace: WholeNamespace,
    velero: Velero,
    object_store: ObjectStore,
    evidence: EvidenceBox,
) -> None:
    backup = whole_namespace.backup.result()
    described = object_store.objects(f"backups/{backup.name}/")
    assert f"backups/{backup.name}/velero-backup.json" in described
    assert described[f"backups/{backup.name}/{backup.name}.tar.gz"] > 0
    data = sum(object_store.objects(f"kopia/{whole_namespace.namespace}/p").values())
    evidence.measure("data in the bucket", data / MIB, "MiB")
    assert data > sum(one.bytes for one in velero.volumes(backup.item)) / COMPRESSION


@check(
    "backup_restore.backup_by_set",
    promise="A backup selected by an app's backupSet label completes.",
    apps=core("notes") | extended("wordpress"),
)
def test_backup_by_set(backup_set: BackupSet, velero: Velero, evidence: EvidenceBox) -> None:
    backup = backup_set.backup.result()
    assert backup.phase == COMPLETED, velero.explain(backup.item)
    evidence.measure("backup", seconds_taken(backup.item))
    assert not backup.missing, "\n".join(backup.missing)


@check(
    "backup_restore.restores_into_other_namespace",
    promise="A backup can be restored into another namespace, next to the original.",
    apps=core("notes") | extended("wordpress"),
)
def test_restores_into_other_namespace(
    whole_namespace: WholeNamespace, velero: Velero, evidence: EvidenceBox
) -> None:
    restore = whole_namespace.copied.result()
    assert restore["status"]["phase"] == COMPLETED, velero.explain(restore)
    evidence.measure("restore", seconds_taken(restore))
    whole_namespace.app.verify_copy(whole_namespace.copy_namespace, whole_namespace.seed.result())


@check(
    "backup_restore.hooks_run",
    promise="An app's backup hooks run before and after its volumes are copied.",
    apps=core("notes") | extended("wordpress"),
)
def test_hooks_run(whole_namespace: WholeNamespace) -> None:
    hooks = whole_namespace.backup.result().item["status"].get("hookStatus", {})
    assert hooks.get("hooksAttempted") == 2, f"hooks before and after did not run: {hooks}"
    assert not hooks.get("hooksFailed"), f"hooks failed: {hooks}"


@check(
    "backup_restore.writes_stop_for_the_backup",
    promise="Hooks stop writes: a backup has all writes acknowledged before it and none after.",
    apps=core("notes"),
)
def test_writes_stop_for_the_backup(whole_namespace: WholeNamespace) -> None:
    whole_namespace.copied.result()
    writer = whole_namespace.writer.result()
    assert writer.refusal, "the app went on writing while its volume was copied"
    with whole_namespace.app.reached(whole_namespace.copy_namespace) as copy:
        notes = copy.session.get(f"{copy.base_url}/api/notes").json()["notes"]
    written = [note["text"] for note in notes if note["text"].startswith(writer.PREFIX)]
    assert written == writer.acknowledged


@check(
    "backup_restore.dump_of_one_moment",
    promise="A database written to during its backup is restored from a consistent dump.",
    apps=extended("wordpress"),
)
def test_dump_of_one_moment(whole_namespace: WholeNamespace, app: WordPress) -> None:
    whole_namespace.copied.result()
    author = whole_namespace.writer.result()
    assert isinstance(author, Author)
    with whole_namespace.app.reached(whole_namespace.copy_namespace) as copy:
        moment = app.loaded_dump(copy)
        assert moment, "the restored database is made from files, not from a dump"
        posts = app.titles(copy, author.credential, author.PREFIX)
    titles = [title for title, _ in posts]
    assert titles == author.acknowledged[: len(titles)]
    assert len(titles) >= WRITES, "posts acknowledged before the backup began are missing"
    assert len(titles) < len(author.acknowledged), "nothing was written after the dump"
    assert max(made for _, made in posts) <= moment


@check(
    "backup_restore.failing_hook_reported",
    promise="A backup whose hook fails is PartiallyFailed.",
    apps=core("notes") | extended("wordpress"),
)
def test_failing_hook_reported(backup_set: BackupSet) -> None:
    backup = backup_set.failed_hook.result()
    assert backup.phase == "PartiallyFailed", "a failed hook went unnoticed"


@check(
    "backup_restore.restores_lost_namespace",
    promise="An app whose namespace was lost is restored with its data, byte for byte.",
    apps=core("notes") | extended("wordpress"),
)
def test_restores_lost_namespace(
    whole_namespace: WholeNamespace, velero: Velero, evidence: EvidenceBox
) -> None:
    assert_restored(whole_namespace, velero, evidence)


@check(
    "backup_restore.restores_lost_set",
    promise="An app whose claims were lost is restored with its data from its backup set.",
    apps=core("notes") | extended("wordpress"),
)
def test_restores_lost_set(backup_set: BackupSet, velero: Velero, evidence: EvidenceBox) -> None:
    assert_restored(backup_set, velero, evidence)


@check(
    "backup_restore.altered_byte_fails_restore",
    promise="If a byte in the object store is altered, the restore fails; no app gets wrong data.",
    apps=core("notes") | extended("wordpress"),
    features=(PlatformFeature.OBJECT_STORE,),
)
def test_altered_byte_fails_restore(whole_namespace: WholeNamespace, velero: Velero) -> None:
    restore = whole_namespace.damaged.result()
    assert restore["status"]["phase"] != COMPLETED, "the restore completed with an altered byte"
    assert [one for one in velero.volumes(restore) if one.phase == "Failed"]
    assert not whole_namespace.damaged_is_released(), "an app runs on data that was not restored"


@check(
    "backup_restore.restores_into_second_cluster",
    promise="An app can be restored on another, empty cluster from the object store alone.",
    needs=(Feature.SECOND_CLUSTER,),
    apps=extended("notes", "wordpress"),
    features=(PlatformFeature.OBJECT_STORE,),
)
def test_restores_into_second_cluster(
    whole_namespace: WholeNamespace,
    empty_cluster: Site,
    clients: Clients,
    evidence: EvidenceBox,
) -> None:
    whole_namespace.wait()  # until no byte in the store is altered any more
    app, backup = whole_namespace.app, whole_namespace.backup.result()
    copied = carry_backup(clients, empty_cluster.stack.clients, backup.name, [app.namespace])
    evidence.note("The backup's objects were copied into the empty cluster's own bucket by S3.")
    evidence.measure("copied", copied / MIB, "MiB")
    elsewhere = empty_cluster.stack.clients.velero()
    elsewhere.restore(backup.name, backup.name)
    evidence.measure("restore", seconds_taken(elsewhere.completed("Restore", backup.name)))
    with app.reached(app.namespace, empty_cluster.kube) as restored:
        app.deployment.app.verify(restored, whole_namespace.seed.result())


@check(
    "backup_restore.expiry_deletes",
    promise="An expired backup is deleted with its data; other backups can still be restored.",
    apps=extended("notes"),
    features=(PlatformFeature.OBJECT_STORE,),
)
def test_expiry_deletes(
    whole_namespace: WholeNamespace,
    velero: Velero,
    object_store: ObjectStore,
    namespace: str,
) -> None:
    whole_namespace.wait()
    whole_namespace.app.wait_until_served()
    seconds = max(EXPIRY, 3 * seconds_taken(whole_namespace.backup.result().item))
    velero.back_up(namespace, namespaces=[whole_namespace.namespace], ttl=f"{seconds:.0f}s")
    volumes = velero.volumes(velero.completed("Backup", namespace))
    assert volumes, "no volume was copied, so no data can expire"
    assert object_store.objects(f"backups/{namespace}/")
    velero.expired(namespace, ttl=seconds)
    left = object_store.objects(f"backups/{namespace}/")
    assert not left, f"still in the object store: {', '.join(left)}"
    velero.wait_forgotten(*(one.snapshot for one in volumes))
    restore = whole_namespace.restore_into(namespace)
    assert restore["status"]["phase"] == COMPLETED, velero.explain(restore)
    whole_namespace.app.verify_copy(namespace, whole_namespace.seed.result())


def assert_restored(
    lost: WholeNamespace | BackupSet, velero: Velero, evidence: EvidenceBox
) -> None:
    """An app was lost, and is back with its data."""
    left = lost.left.result()
    assert not left, "not everything was lost, so the restore proves nothing"
    restore = lost.restored.result()
    assert restore["status"]["phase"] == COMPLETED, velero.explain(restore)
    evidence.measure("restore", seconds_taken(restore))
    lost.app.verify(lost.seed.result())
