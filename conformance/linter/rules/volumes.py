"""Whether an app's data lies on a volume of its own, and stays there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.linter.access import get, sequence, text
from conformance.linter.facts.cluster import Cluster, each, unknown_charts
from conformance.linter.facts.data_folders import layout, misplaced
from conformance.linter.facts.images import data_folder, holds_data
from conformance.linter.facts.storage import ONE_NODE, claim_of, mounts_of, unkept
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.pods import Container, Pod

_VOLUMES = "https://kubernetes.io/docs/concepts/storage/persistent-volumes/"
_HARMLESS_HOST_PATHS = ("/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo")
_FOLDER_VARIABLES = ("PGDATA", "MYSQL_DATADIR", "MARIADB_DATADIR", "NEXTCLOUD_DATA_DIR")
_SWITCH = re.compile(r"persistentVolumeClaim|volumeClaimTemplates")


@rule(
    "volumes.replicas",
    "Only one pod writes to a volume",
    level=2,
    why="Two pods that write to the same files at the same time destroy databases and each "
    "other's work; a ReadWriteOnce volume does not prevent this, because there is only one server.",
    source=f"{_VOLUMES}#access-modes",
    fix="Run one replica, or a StatefulSet with volumeClaimTemplates: a volume for each pod.",
    example="""
kind: Deployment
spec:
  replicas: 1
""",
)
def replicas(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each workload of several pods with one volume."""
    yield from each(app, _several_writers)


def _several_writers(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        claim = _written_claim(cluster, pod)
        workload = pod.workload
        if claim is None or workload.kind not in ("Deployment", "StatefulSet", "ReplicaSet"):
            continue
        number = workload.get("spec", "replicas")
        if isinstance(number, int) and number > 1:
            yield Problem(
                workload.place("spec", "replicas"),
                f"{workload.kind} {workload.name} has {number} pods, all with claim {claim}",
            )
        for scaler in cluster.objects("HorizontalPodAutoscaler"):
            most = scaler.get("spec", "maxReplicas")
            target = (
                scaler.get("spec", "scaleTargetRef", "kind"),
                scaler.get("spec", "scaleTargetRef", "name"),
            )
            if target == (workload.kind, workload.name) and isinstance(most, int) and most > 1:
                yield Problem(
                    scaler.place("spec", "maxReplicas"),
                    f"{workload.kind} {workload.name} may have {most} pods, all with claim {claim}",
                )


def _written_claim(cluster: Cluster, pod: Pod) -> str | None:
    """Return a claim that each of the pods writes to, unless it is made for several."""
    for mount in mounts_of(pod):
        claim = claim_of(cluster, mount)
        shared = claim is not None and not set(claim.modes) <= set(ONE_NODE)
        if not shared and not mount.read_only:
            return mount.claim
    return None


@rule(
    "volumes.rolling-update",
    "The old pod ends before the new one gets its volume",
    level=2,
    severity=Severity.WARNING,
    why="A Deployment starts the new pod first: during an upgrade two versions of the app write "
    "to the same files, and a database that is still locked prevents the new one from starting.",
    source="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy",
    fix="Set strategy.type to Recreate.",
    example="""
kind: Deployment
spec:
  strategy:
    type: Recreate
""",
)
def rolling_update(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Deployment that has two pods for a while."""
    yield from each(app, _rolling)


def _rolling(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        strategy = pod.workload.get("spec", "strategy")
        if pod.workload.kind != "Deployment" or get(strategy, "type") == "Recreate":
            continue
        surge = get(strategy, "rollingUpdate", "maxSurge")
        claim = _written_claim(cluster, pod)
        if claim is not None and surge not in (0, "0", "0%"):
            yield Problem(
                pod.workload.place("spec", "strategy"),
                f"Deployment {pod.workload.name} has no strategy Recreate: during an upgrade two "
                f"pods write to claim {claim}",
            )


@rule(
    "volumes.data-path",
    "The data of a database is on a persistent volume",
    level=2,
    why="Data in a container, or in an emptyDir, is lost with the pod: at the next upgrade, or "
    "when the server restarts.",
    source="https://kubernetes.io/docs/concepts/storage/volumes/#emptydir",
    fix="Mount a claim at this path.",
    example="""
volumes:
  - name: database
    persistentVolumeClaim:
      claimName: notes-database
""",
)
def data_path(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each known data folder that does not stay."""
    yield from each(app, _fleeting)


def _fleeting(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        template = cluster.template_of(pod.workload) if cluster.bare else ""
        if _SWITCH.search(template):
            continue  # a value makes it a claim
        for container in pod.containers:
            if not container.init:
                yield from _fleeting_data(pod, container)
    for release in unknown_charts(cluster):
        for path, database in unkept(release):
            yield Problem(
                release.place(*path),
                f"{'.'.join(map(str, path))} is false: the data of {database} is gone with its pod",
            )


def _fleeting_data(pod: Pod, container: Container) -> Iterator[Problem]:
    volumes = {text(get(one, "name")): one for one in sequence(pod.get("spec", "volumes"))}
    lasting, fleeting = [], []
    for index, mount in enumerate(sequence(container.value.get("volumeMounts"))):
        path = text(get(mount, "mountPath")).rstrip("/")
        volume = volumes.get(text(get(mount, "name")))
        if get(volume, "emptyDir") is not None:
            fleeting.append((path, index))
        elif path:
            lasting.append(path)
    for path, index in fleeting:
        folder = holds_data(path)
        if (
            folder
            and not any(one.startswith(path) for one in lasting)
            and _is_data(container, path)
        ):
            yield Problem(
                container.place("volumeMounts", index),
                f"container {container.name} has its data, {path[:80]}, in an emptyDir",
            )
            return
    image = text(container.value.get("image"))
    folder = data_folder(image, container.value.get("command"))
    if folder and not any(_together(one, folder) for one in lasting) and not _elsewhere(container):
        yield Problem(
            container.place("volumeMounts"),
            f"container {container.name} has its data in {folder}, but no volume is mounted there",
        )
        return
    if sequence(container.value.get("args")):
        return
    found = layout(image, container.value.get("command"), next(iter(_told(container)), ""))
    why = misplaced(found, _kept(container, volumes)) if found else ""
    if found and why:
        yield Problem(
            container.place("volumeMounts"),
            f"container {container.name} has its data in {found.data}: {why}",
        )


def _kept(container: Container, volumes: Mapping[str, Any]) -> list[str]:
    """Return where volumes are mounted whose content may outlive the pod."""
    return [
        text(get(mount, "mountPath"))
        for mount in sequence(container.value.get("volumeMounts"))
        if not any(
            get(volumes.get(text(get(mount, "name"))), kind) is not None
            for kind in ("emptyDir", "configMap", "secret", "projected", "downwardAPI")
        )
    ]


def _is_data(container: Container, path: str) -> bool:
    """Return whether a database has its data there, as far as its environment says."""
    told = _told(container)
    return not told or any(_together(one, path) for one in told)


def _elsewhere(container: Container) -> bool:
    return bool(_told(container) or sequence(container.value.get("args")))


def _told(container: Container) -> list[str]:
    return [
        text(get(entry, "value"))
        for entry in sequence(container.value.get("env"))
        if get(entry, "name") in _FOLDER_VARIABLES
    ]


def _together(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


@rule(
    "volumes.host-path",
    "No volume of a pod is a folder of the server",
    level=3,
    why="A backup does not contain such folders, and an app that can write to them can take over "
    "the server.",
    source="https://kubernetes.io/docs/concepts/storage/volumes/#hostpath",
    fix="Use a claim for data, an emptyDir for data that may be lost, a ConfigMap for files.",
    example="""
volumes:
  - name: data
    persistentVolumeClaim:
      claimName: notes-data
""",
)
def host_path(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each such volume; of a PersistentVolume a rule about backups speaks."""
    yield from each(app, _host_paths)


def _host_paths(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        for index, volume in enumerate(sequence(pod.get("spec", "volumes"))):
            path = get(volume, "hostPath", "path")
            if isinstance(path, str) and not path.startswith(_HARMLESS_HOST_PATHS):
                yield Problem(
                    pod.place("spec", "volumes", index, "hostPath"),
                    f"volume {text(get(volume, 'name'))} is the server's folder {quoted(path)}",
                )
