"""What a backup holds and what a restore did, object by object, as Velero keeps it in the bucket.

A Restore itself counts warnings only; which objects it left alone is in files beside the backups.
https://velero.io/docs/v1.18/output-file-format/
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.kube.objects import Object, Ref

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.services.object_store import ObjectStore

_MANIFEST = re.compile(r"(\./)?resources/[^/]+/namespaces/[^/]+/[^/]+\.json")
"""Path in a backup of an object in a namespace; its other versions lie one folder deeper."""
_ITEM = re.compile(r"(?:(?P<namespace>[^/()]+)/)?(?P<name>[^/()]+)\((?P<action>\w+)\)")
"""In a restore's list: an object, and what became of it."""
_RESTORED_BY = "velero.io/"
"""How the labels begin that Velero gives to what it restores."""
_CHANGES_BY_ITSELF = ("Endpoints", "Event")
"""Kinds of objects without an owner that the cluster writes as it goes on."""


@dataclass(frozen=True)
class Actions:
    """What a restore did with each object."""

    of: Mapping[Ref, str]
    """``created``, ``updated``, ``skipped`` (it was there and the same) or ``failed``."""

    @property
    def left(self) -> frozenset[Ref]:
        """What it names as there, not the same as in the backup, and left like that."""
        return frozenset(ref for ref, action in self.of.items() if action == "failed")


def actions_of(store: ObjectStore, restore: str) -> Actions:
    """Return what a finished restore did. Raises ``S3Error`` if the bucket has no such list."""
    name = f"restores/{restore}/restore-{restore}-resource-list.json.gz"
    listed: dict[str, list[str]] = json.loads(gzip.decompress(store.read(name)))
    found = {}
    for kind, items in listed.items():
        api_version, _, kind_name = kind.rpartition("/")
        for match in map(_ITEM.fullmatch, items):
            if match is None:
                raise AssertionError(f"{name} has items of another form: {items}")
            ref = Ref(api_version, kind_name, match["name"], match["namespace"])
            found[ref] = match["action"]
    return Actions(found)


def errors_of(store: ObjectStore, restore: str) -> list[str]:
    """Return the errors of a finished restore, in Velero's words."""
    name = f"restores/{restore}/restore-{restore}-results.gz"
    errors = json.loads(gzip.decompress(store.read(name))).get("errors") or {}
    of_namespaces = [text for texts in errors.get("namespaces", {}).values() for text in texts]
    return [*errors.get("velero", ()), *errors.get("cluster", ()), *of_namespaces]


def backed_up_objects(store: ObjectStore, backup: str) -> list[Object]:
    """Return what a backup has of namespaces but for what others make of it: pods, endpoints."""
    content = io.BytesIO(store.read(f"backups/{backup}/{backup}.tar.gz"))
    with tarfile.open(fileobj=content) as archive:
        items = [
            json.load(file)
            for member in archive
            if _MANIFEST.fullmatch(member.name) and (file := archive.extractfile(member))
        ]
    return [
        item
        for item in items
        if item["kind"] not in _CHANGES_BY_ITSELF and not item["metadata"].get("ownerReferences")
    ]


def differing(kube: Kube, backed_up: Iterable[Object]) -> frozenset[Ref]:
    """Return which objects are gone, or not as they were when they were backed up."""
    return frozenset(
        ref
        for ref, item in ((_ref(item), item) for item in backed_up)
        if (found := kube.find(*ref)) is None or _meant(found) != _meant(item)
    )


def _ref(item: Object) -> Ref:
    metadata = item["metadata"]
    return Ref(item["apiVersion"], item["kind"], metadata["name"], metadata["namespace"])


def _meant(item: Object) -> Object:
    """Return what somebody wrote of an object, without what the cluster adds."""
    labels = item["metadata"].get("labels") or {}
    return {
        **{key: value for key, value in item.items() if key not in ("metadata", "status")},
        "labels": {key: labels[key] for key in labels if not key.startswith(_RESTORED_BY)},
        "annotations": item["metadata"].get("annotations") or {},
    }
