"""Claims, what mounts them, and what the values say of those that a distant chart makes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.linter.access import Path, get, mapping, sequence, text
from conformance.linter.app import Release
from conformance.linter.facts.cluster import (
    Cluster,
    guessed,
    same_namespace,
    settings,
    similar,
    unknown_charts,
)
from conformance.linter.facts.needs import Answer, State, look_up, operators
from conformance.linter.findings import Place
from conformance.linter.manifest import Manifest
from conformance.linter.pods import Pod

LOCAL_PATH = "local-path"
"""The platform's StorageClasses begin with it."""
ONE_NODE = ("ReadWriteOnce", "ReadWriteOncePod")
"""The access modes that its provisioner knows."""
CLAIM = "PersistentVolumeClaim"
_EXISTING = re.compile(r"existing_?(persistent)?_?(volume)?_?(claim|pvc)(name)?", re.IGNORECASE)
"""Keys of values that charts take the name of a claim from that is there already."""
_PERSISTENCE = re.compile(r"persist|storage|volume|pvc", re.IGNORECASE)
_DATABASES = ("postgresql", "postgres", "mariadb", "mysql", "mongodb")


@dataclass(frozen=True, eq=False)
class Claim:
    """A claim, or what one is made of: for each replica of a StatefulSet, or for each pod."""

    manifest: Manifest
    path: Path
    """Of the claim inside the manifest; empty for a claim itself."""
    volume: str = ""
    """The ephemeral volume that it is for; empty if it is for none."""

    def get(self, *path: str | int) -> Any:
        """Return what is at ``path`` inside the claim."""
        return self.manifest.get(*self.path, *path)

    def place(self, *path: str | int) -> Place:
        """Return where ``path`` inside the claim is written."""
        return self.manifest.place(*self.path, *path)

    @property
    def name(self) -> str:
        """The claim's name, or its template's, or the ephemeral volume's."""
        return self.volume or text(self.get("metadata", "name"))

    @property
    def modes(self) -> list[str]:
        """Its access modes."""
        return [text(one) for one in sequence(self.get("spec", "accessModes"))]

    @property
    def storage_class(self) -> str | None:
        """The StorageClass it asks for; None: the default one."""
        found = self.get("spec", "storageClassName")
        return found if isinstance(found, str) else None

    @property
    def bound(self) -> bool:
        """Whether it is for a volume that somebody has made."""
        return bool(self.get("spec", "volumeName") or self.get("spec", "selector"))


def claims(cluster: Cluster) -> Iterator[Claim]:
    """Yield the claims that the objects of a cluster are or make."""
    for manifest in cluster.manifests:
        if not cluster.certain(manifest):
            continue
        if manifest.kind == CLAIM:
            yield Claim(manifest, ())
        elif manifest.kind == "StatefulSet":
            templates = sequence(manifest.get("spec", "volumeClaimTemplates"))
            for index, _ in enumerate(templates):
                yield Claim(manifest, ("spec", "volumeClaimTemplates", index))


def claims_and_ephemeral(cluster: Cluster) -> Iterator[Claim]:
    """Yield these claims, and those of ephemeral volumes, which are deleted with their pod."""
    yield from claims(cluster)
    for pod in cluster.judged:
        for index, volume in enumerate(sequence(pod.get("spec", "volumes"))):
            if get(volume, "ephemeral", "volumeClaimTemplate") is not None:
                path = ("spec", "volumes", index, "ephemeral", "volumeClaimTemplate")
                yield Claim(pod.workload, (*pod.path, *path), text(get(volume, "name")))


@dataclass(frozen=True, eq=False)
class Mount:
    """A claim as a volume of a pod."""

    pod: Pod
    volume: str
    claim: str
    path: Path
    """Where the claim's name stands in the pod template."""

    @property
    def read_only(self) -> bool:
        """Whether no container may write to it."""
        if self.pod.get(*self.path[:-1], "readOnly") is True:
            return True
        mounts = [
            mapping(mount)
            for container in self.pod.containers
            for mount in sequence(container.value.get("volumeMounts"))
            if get(mount, "name") == self.volume
        ]
        return bool(mounts) and all(one.get("readOnly") is True for one in mounts)


def mounts_of(pod: Pod) -> Iterator[Mount]:
    """Yield the claims that a pod names."""
    for index, volume in enumerate(sequence(pod.get("spec", "volumes"))):
        claim = text(get(volume, "persistentVolumeClaim", "claimName"))
        if claim:
            path = ("spec", "volumes", index, "persistentVolumeClaim", "claimName")
            yield Mount(pod, text(get(volume, "name")), claim, path)


def claim_of(cluster: Cluster, mount: Mount) -> Claim | None:
    """Return the claim that a pod names; None if it is not among the objects."""
    for manifest in cluster.objects(CLAIM):
        if manifest.name == mount.claim and same_namespace(
            manifest.namespace, mount.pod.workload.namespace
        ):
            return Claim(manifest, ())
    return None


def absent(cluster: Cluster) -> Iterator[tuple[Mount, Answer]]:
    """Yield each claim that a pod names and nothing here makes, and what is known of it."""
    for pod in cluster.judged:
        for mount in mounts_of(pod):
            workload = pod.workload
            answer = look_up(cluster, CLAIM, mount.claim, workload.namespace, workload)
            if answer.state in (State.NOWHERE, State.UNKNOWN):
                yield mount, answer


@dataclass(frozen=True)
class Handed:
    """A claim's name in the values of a chart that is elsewhere."""

    release: Release
    path: Path
    name: str

    @property
    def place(self) -> Place:
        """Where the name is written."""
        return self.release.place(*self.path)


def handed(cluster: Cluster) -> Iterator[Handed]:
    """Yield the names of claims that distant charts are told to use."""
    for release in unknown_charts(cluster):
        for path, value in settings(release.values):
            if not (path and isinstance(value, str) and value and "{{" not in value) or guessed(
                value
            ):
                continue
            unmade = get(release.values, *path[:-1], "create") is False
            if is_existing_claim(path[-1]) or (path[-1] == "claimName" and unmade):
                yield Handed(release, path, value)


def is_existing_claim(key: object) -> bool:
    """Return whether charts take the name of a claim that is there already from such a key."""
    return bool(_EXISTING.fullmatch(str(key)[:100]))


def lost(cluster: Cluster, one: Handed) -> str | None:
    """Return what to add to "no such claim"; None if there is one, or may be."""
    here = [*cluster.objects(CLAIM), *(m for m in cluster.app.neighbours if m.kind == CLAIM)]
    named = [claim for claim in here if claim.name == one.name]
    if any(same_namespace(claim.namespace, one.release.namespace) for claim in named):
        return None
    if named:
        return f": one is in namespace {named[0].namespace}, the app in {one.release.namespace}"
    near = similar(one.name, (claim.name for claim in here))
    unseen = cluster.app.unread or any(k.beyond for k in cluster.app.kustomizations)
    if unseen or (cluster.app.part and not near):
        return None
    return f"; did you mean {near}?" if near else ""


def used_by_name(cluster: Cluster, name: str) -> bool:
    """Return whether a value, or an object that an operator works on, names a claim."""
    word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")
    releases = [release.values for release in cluster.app.releases]
    objects = [one.value for one in operators(cluster.manifests)]
    return any(
        isinstance(value, str) and word.search(value)
        for part in (*cluster.values, *releases, *objects)
        for _, value in settings(part)
    )


def persistence(release: Release) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield the parts of values that are about a claim which the chart itself makes."""
    for path, value in settings(release.values):
        if not (path and isinstance(value, Mapping)):
            continue
        given_one = any(value[key] for key in value if is_existing_claim(key))
        if not given_one and any(_PERSISTENCE.search(str(key)[:100]) for key in path[-2:]):
            yield path, value


def unkept(release: Release) -> Iterator[tuple[Path, str]]:
    """Yield where values tell a database to keep nothing."""
    for path, value in settings(release.values):
        if not (path and path[-1] in _DATABASES and isinstance(value, Mapping)):
            continue
        for inner in (("persistence",), ("primary", "persistence"), ("master", "persistence")):
            if get(value, *inner, "enabled") is False:
                yield (*path, *inner, "enabled"), str(path[-1])
