"""A claim asks for a StorageClass that the platform has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each, guessed, unknown_charts
from conformance.linter.facts.needs import origin
from conformance.linter.facts.storage import (
    LOCAL_PATH,
    claims_and_ephemeral,
    persistence,
)
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.claims.shared import CLASS_KEYS

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("claims.storage-class", level=2)
def storage_class(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim of another class."""
    yield from each(app, _strange_classes)


def _classes(cluster: Cluster) -> set[str]:
    objects = (*cluster.manifests, *cluster.app.neighbours)
    return {one.name for one in objects if one.kind == "StorageClass"}


def _strange_classes(cluster: Cluster) -> Iterator[Problem]:
    known = _classes(cluster)
    volumes = any(True for _ in cluster.objects("PersistentVolume"))
    for claim in claims_and_ephemeral(cluster):
        name = claim.storage_class
        if name is None or name.startswith(LOCAL_PATH) or name in known or guessed(name):
            continue
        if claim.bound or volumes:
            continue
        what = f"asks for StorageClass {quoted(name)}; the platform has {LOCAL_PATH}"
        if not name:
            what = 'has storageClassName: "", which means a volume created by hand'
        place = claim.place("spec", "storageClassName")
        yield Problem(origin(cluster, claim.manifest, name, place), f"claim {claim.name} {what}")
    for release in unknown_charts(cluster):
        for path, value in persistence(release):
            for key in CLASS_KEYS:
                name = value.get(key)
                if (
                    not isinstance(name, str)
                    or not name
                    or name == "-"
                    or "{{" in name
                    or guessed(name)
                ):
                    continue
                if not name.startswith(LOCAL_PATH) and name not in known:
                    yield Problem(
                        release.place(*path, key),
                        f"{'.'.join(map(str, (*path, key)))} is {quoted(name)}; the platform has"
                        f" {LOCAL_PATH}",
                    )
