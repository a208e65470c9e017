"""The data of a database is on a persistent volume."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.linter.access import get, mapping, sequence, text
from conformance.linter.facts.cluster import Cluster, each, unknown_charts
from conformance.linter.facts.data_folders import layout, misplaced
from conformance.linter.facts.images import data_folder, holds_data
from conformance.linter.facts.storage import unkept
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.pods import Container, Pod


_FOLDER_VARIABLES = ("PGDATA", "MYSQL_DATADIR", "MARIADB_DATADIR", "NEXTCLOUD_DATA_DIR")
_OF_FILES = ("configMap", "secret", "projected", "downwardAPI")
_SWITCH = re.compile(r"persistentVolumeClaim|volumeClaimTemplates")


@rule("volumes.data-path", level=2)
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
        if kind := _fleeting_kind(volume):
            fleeting.append((path, index, kind))
        elif path:
            lasting.append(path)
    for path, index, kind in fleeting:
        folder = holds_data(path)
        if (
            folder
            and not any(one.startswith(path) for one in lasting)
            and _is_data(container, path)
        ):
            yield Problem(
                container.place("volumeMounts", index),
                f"container {container.name} has its data, {path[:80]}, in an {kind}",
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
        if not _fleeting_kind(volume := volumes.get(text(get(mount, "name"))))
        and all(get(volume, kind) is None for kind in _OF_FILES)
    ]


def _fleeting_kind(volume: object) -> str:
    """Return what the volume is, if it goes with the pod.

    ``volume`` is None where a StatefulSet makes a claim of it. One without a source is an emptyDir:
    the API server makes it one (SetDefaults_Volume).
    """
    sources = {kind for kind, source in mapping(volume).items() if source is not None}
    if "ephemeral" in sources:
        return "ephemeral volume"
    return "emptyDir" if volume is not None and sources <= {"name", "emptyDir"} else ""


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
