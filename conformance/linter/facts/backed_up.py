"""Which of an app's data its backups would hold: what pods mount, what the labels say.

Where a chart is elsewhere its pods are not known. Its values still say which claims it is given,
and whether it is asked to label and annotate its pods.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from conformance.common.backup_labels import BACKUP_SET, BACKUP_VOLUMES
from conformance.linter.access import Path, get, mapping, sequence, text, walk
from conformance.linter.app import AppPackage, Installation, Release
from conformance.linter.facts.cluster import missing
from conformance.linter.findings import NotRun, Place
from conformance.linter.manifest import Manifest
from conformance.linter.pods import Pod

_CLAIM_KEYS = frozenset(
    {
        "claim", "claimname", "existingclaim", "existingclaimname", "existingpersistentvolumeclaim",
        "existingpvc", "existingvolumeclaim", "persistentvolumeclaim", "pvc", "pvcname",
        "volumeclaim", "volumeclaimname",
    }
)  # fmt: skip
"""Keys of values that name a claim, written small and without hyphens."""
_ABOUT_CLAIMS = re.compile(r"claim|pvc|persisten|volume|storage")
_SUBCHARTS = re.compile(
    r"(postgres(ql)?|mariadb|mysql|redis|valkey|keydb|dragonfly|mongodb|elasticsearch|opensearch|"
    r"minio|memcached|rabbitmq|kafka|solr|typesense|meilisearch|clickhouse|influxdb|etcd|couchdb|"
    r"timescaledb|percona|zookeeper|seaweedfs)([-_]?(ha|cluster|galera|server|operator|master))?"
)
"""Charts that others depend on: their pods get nothing that stands outside of their key."""
_SWITCHES = ("enabled", "install")
"""Keys by which values switch on a part of a chart."""
_BUNDLED = re.compile(
    r"(postgres(ql)?|mariadb|mysql|mongodb|couchdb|percona|timescaledb|influxdb|clickhouse)"
    r"([-_]?(ha|cluster|galera|server))?"
)
"""Those of them that hold what nothing else holds."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


def listed(pod: Pod, annotation: str = BACKUP_VOLUMES) -> set[str]:
    """Return the volumes that an annotation of a pod names."""
    value = text(pod.annotations.get(annotation))
    return {name.strip() for name in value.split(",") if name.strip()}


def mounts(pod: Pod) -> Mapping[str, str]:
    """Return the claims of a pod that is meant to last: its volume's name -> the claim's name."""
    if not pod.lasting or pod.hook:
        return {}
    templates = _templates(pod.workload)
    return {volume: templates.get(volume, claim) for volume, claim in pod.claims.items() if volume}


def pods_by_claim(installation: Installation) -> Mapping[str, list[tuple[Pod, str]]]:
    """Return each claim's pods, each with its name for the volume.

    One pod that lists and labels a claim is enough: Velero copies a claim once.
    """
    found: dict[str, list[tuple[Pod, str]]] = {}
    for pod in installation.pods:
        for volume, claim in mounts(pod).items():
            found.setdefault(claim, []).append((pod, volume))
    return found


@dataclass(frozen=True)
class LabelledClaim:
    """A claim, or what a StatefulSet makes claims of."""

    name: str
    labels: Mapping[str, Any]
    manifest: Manifest
    path: Path
    """Where in the object its labels stand, or should."""

    @property
    def place(self) -> Place:
        """Where its labels are written, or should be."""
        return self.manifest.place(*self.path)

    def label_place(self) -> Place:
        """Return where the label of the backup set is written."""
        return self.manifest.place(*self.path, BACKUP_SET)


def claim_labels(installation: Installation) -> Iterator[LabelledClaim]:
    """Yield the claims of an installation."""
    at = ("metadata", "labels")
    for manifest in installation.objects("PersistentVolumeClaim"):
        yield LabelledClaim(manifest.name, manifest.labels, manifest, at)
    for manifest in installation.objects("StatefulSet"):
        for index, template in enumerate(sequence(manifest.get("spec", "volumeClaimTemplates"))):
            path: Path = ("spec", "volumeClaimTemplates", index, "metadata", "labels")
            name = text(get(template, "metadata", "name"))
            yield LabelledClaim(
                _templates(manifest).get(name, name),
                mapping(get(template, "metadata", "labels")),
                manifest,
                path,
            )


def _templates(workload: Manifest) -> Mapping[str, str]:
    """Return the claims that a StatefulSet makes: a template's name -> the claims' name."""
    if workload.kind != "StatefulSet":
        return {}
    names = [
        text(get(one, "metadata", "name"))
        for one in sequence(workload.get("spec", "volumeClaimTemplates"))
    ]
    return {name: f"{name}-{workload.name}-*" for name in names}


@dataclass(frozen=True)
class Component:
    """A claim that a chart elsewhere is given, and what its values say for that part of it."""

    claim: str
    place: Place
    where: str
    """As in ``under "postgresql" the values have``."""
    has_annotation: bool
    has_label: bool

    @staticmethod
    def labels_of(installation: Installation) -> Iterator[tuple[Callable[[], Place], str]]:
        """Yield each backup set that the values of a release give to what the chart makes.

        Before it, what finds out where that is written.
        """
        release = installation.release
        for path, value in walk(release.values) if release else ():
            if path and path[-1] == BACKUP_SET and isinstance(value, str):
                yield partial(release.place, *path), value  # type: ignore[union-attr]


def components(app: AppPackage, installation: Installation) -> Iterator[Component]:
    """Yield each claim that an installation's values hand to a chart that is elsewhere."""
    release = installation.release
    if release is None or not _marked_by_values_only(release):
        return
    marks = _marks(release)
    written = {one.name for one in app.objects("PersistentVolumeClaim")}
    for path, claim in _claims_in(release.values, written):
        part = _part_of(release, path)
        yield Component(
            claim,
            release.place(*path),
            f'under "{part}" the values have' if part else "the values have",
            _reaches(marks[BACKUP_VOLUMES], part),
            _reaches(marks[BACKUP_SET], part),
        )


@dataclass(frozen=True)
class Bundled:
    """A database that a chart elsewhere brings, as its values ask for."""

    name: str
    """The key of the values that it is switched on by."""
    place: Place
    missing: tuple[str, ...]
    """What of a backup's annotation and label its pods are not given."""


def bundled(app: AppPackage, installation: Installation) -> Iterator[Bundled]:
    """Yield each such database that has no claim of the package's."""
    release = installation.release
    if release is None or not _marked_by_values_only(release):
        return
    marks = _marks(release)
    written = {one.name for one in app.objects("PersistentVolumeClaim")}
    given = [path for path, _ in _claims_in(release.values, written)]
    for path, value in walk(release.values):
        name = str(path[-2]) if len(path) > 1 else ""
        if value is not True or path[-1] not in _SWITCHES or not _BUNDLED.fullmatch(name.lower()):
            continue
        inside = path[:-1]
        parts = (("persistence",), ("primary", "persistence"), ("master", "persistence"))
        kept = all(get(release.values, *inside, *one, "enabled") is not False for one in parts)
        if kept and not any(one[: len(inside)] == inside for one in given):
            part = str(path[0])
            missing = tuple(key for key in marks if not _reaches(marks[key], part))
            yield Bundled(name, release.place(*inside), missing)


def _marked_by_values_only(release: Release) -> bool:
    """Return whether a chart's pods have of the backup's marks only what the values give them."""
    if release.chart is not None or not _is_public(release):
        return False
    patches = [
        part
        for path, value in walk(release.manifest.get("spec", "postRenderers"))
        for part in (*path[-1:], value)
        if isinstance(part, str)
    ]
    # What patches come to is not worked out here.
    return not any(name in part for part in patches for name in (BACKUP_VOLUMES, BACKUP_SET))


def _is_public(release: Release) -> bool:
    """Return whether a chart knows nothing of Stackspin.

    Those in a repository of one's own may, and what an OCIRepository names is often one's own, too.
    """
    kind = release.manifest.get("spec", "chart", "spec", "sourceRef", "kind")
    return bool(kind == "HelmRepository")


def _claims_in(values: Mapping[str, Any], written: set[str]) -> Iterator[tuple[Path, str]]:
    """Yield each value that names a claim of a part that is switched on."""
    for path, value in walk(values):
        keys = [_plain(key) for key in path if isinstance(key, str)]
        if not keys or not isinstance(value, str) or not _NAME.fullmatch(value):
            continue
        known = value in written and any(_ABOUT_CLAIMS.search(key) for key in keys)
        if (known or keys[-1] in _CLAIM_KEYS) and not any(
            get(values, *path[:length], "enabled") is False for length in range(len(path))
        ):
            yield path, value


def _part_of(release: Release, path: Path) -> str:
    """Return the subchart that a path of the values belongs to; empty: none."""
    top = str(path[0])
    inside = mapping(release.values.get(top))
    return top if _is_subchart(top) or "primary" in inside else ""


def _is_subchart(key: str) -> bool:
    return bool(_SUBCHARTS.fullmatch(key.lower()))


def _marks(release: Release) -> Mapping[str, set[str]]:
    """Return where values label and annotate pods: under which of the topmost keys."""
    found: dict[str, set[str]] = {BACKUP_VOLUMES: set(), BACKUP_SET: set()}
    for path, value in walk(release.values):
        if not path or path[-1] not in found or not isinstance(value, str) or not value.strip():
            continue
        if not any(_ABOUT_CLAIMS.search(_plain(key)) for key in path[:-1]):
            found[str(path[-1])].add(str(path[0]))
    return found


def _reaches(tops: set[str], part: str) -> bool:
    """Whether what is under these keys is for the pods of a part of a chart."""
    return "global" in tops or any(top == part if part else not _is_subchart(top) for top in tops)


def _plain(key: object) -> str:
    return str(key).lower().replace("-", "").replace("_", "")


def unknown(app: AppPackage, what: str, told: Collection[str] = ()) -> Iterator[NotRun]:
    """Yield, for each thing that is missing of the app, what is therefore not known.

    ``told`` are the labels of installations of which a finding says already what is wrong.
    """
    judged = [one for one in app.installations if one.label not in told]
    reasons = {reason: None for one in judged for reason in missing(app, one)}
    for reason in reasons:
        yield NotRun(f"{reason}: it is not known {what}")
