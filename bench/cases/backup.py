"""How long an app's data takes into the object store and back."""

from __future__ import annotations

from bench.catalogue import Measure, Samples, benchmark
from bench.lab import Lab, Stopwatch
from conformance.apps.base import SeedScale
from conformance.apps.deployment import HelmDeployment
from conformance.apps.image_builds import NOTES
from conformance.apps.notes import Notes
from conformance.common.settings import data_root
from conformance.kube.apply import apply
from conformance.kube.conditions import deleted, ready
from conformance.kube.objects import Ref, Selection
from conformance.kube.wait import wait, wait_each
from conformance.platform.reference import ReferenceStack
from conformance.platform.reference.levels import BACKUPS
from conformance.services.helm import Helm
from conformance.services.object_store import ObjectStore
from conformance.services.velero import Velero

MIB = 1024 * 1024


@benchmark(
    "backup",
    Measure("backup"),
    Measure("backup, nothing changed"),
    Measure("restore"),
    Measure("in volumes", "MiB"),
    Measure("in the bucket", "MiB"),
)
def backup(lab: Lab) -> Samples:
    """Backup and restore of the app notes: 3,000 small files, 100 MB in one, a database.

    From the custom resource's creation until its final phase. The restore is of a namespace that
    was deleted, and its data is compared afterwards.
    """
    lab.notes  # noqa: B018 - builds it before the cluster is there
    lab.components.require(*BACKUPS.images)
    with lab.running() as (cluster, kube):
        installed = ReferenceStack(lab.settings, cluster, kube, lab.components, say=lambda _: None)
        try:
            installed.backups()
            lab.push_notes(cluster)
            helm = Helm(lab.components.binary("helm"), cluster.kubeconfig)
            apply(kube, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NOTES}})
            host = f"{NOTES}.{lab.settings.domain}"
            ingress_class = installed.clients.platform.ingress.ingress_class
            app = HelmDeployment(Notes(), kube, helm, NOTES, host, installed.http(), ingress_class)
            clients = installed.clients
            store = clients.object_store()
            assert store is not None
            return _there_and_back(app, clients.velero(), store)
        finally:
            installed.close()


def _there_and_back(app: HelmDeployment, velero: Velero, store: ObjectStore) -> Samples:
    app.install(data_root() / "charts" / NOTES, {})
    seed = app.app.seed(app.instance, SeedScale.FULL)
    first, second = _back_up(velero, "first"), _back_up(velero, "second")
    volumes = velero.volumes(velero.finished("Backup", "first"))
    stored = store.objects()
    app.kube.delete("v1", "Namespace", NOTES)
    wait(app.kube, Ref("v1", "Namespace", NOTES), deleted(), timeout=app.kube.timeouts.deletion)
    clock = Stopwatch()
    velero.restore("first", "first")
    velero.completed("Restore", "first")
    restored = clock.seconds
    wait_each(app.kube, Selection("v1", "Pod", NOTES, app.instance.selector), ready())
    app.http.get_routed(f"https://{app.host}/")
    app.app.verify(app.instance, seed)
    return {
        "backup": [first],
        "backup, nothing changed": [second],
        "restore": [restored],
        "in volumes": [sum(one.bytes for one in volumes) / MIB],
        "in the bucket": [sum(stored.values()) / MIB],
    }


def _back_up(velero: Velero, name: str) -> float:
    clock = Stopwatch()
    velero.back_up(name, namespaces=[NOTES])
    velero.completed("Backup", name)
    return clock.seconds
