"""What is on a platform and not the run's: seen before and after, to prove that it is as before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from conformance.kube.client import Kube
from conformance.kube.inventory import everything, ref_of
from conformance.kube.objects import Object, Ref
from conformance.platform.namespaces import RUN_LABEL

_OWN_LIFE = ("BackupRepository", "Node", "PersistentVolume", "ServerStatusRequest")
"""Kinds whose objects their controllers write to as they please."""


@dataclass(frozen=True)
class Foreign:
    """Objects that are not a run's: UID -> which it is, and a digest of what it says."""

    objects: Mapping[str, tuple[Ref, str]]

    def changes_to(self, after: Foreign) -> list[str]:
        """Return what is other now, a line each."""
        lines = []
        for uid, (which, digest) in self.objects.items():
            now = after.objects.get(uid)
            if now is None:
                lines.append(f"{which} is gone")
            elif now[1] != digest:
                lines.append(f"{which} was changed")
        added = after.objects.keys() - self.objects.keys()
        lines += [f"{after.objects[uid][0]} is new" for uid in added]
        return sorted(lines)


def foreign(kube: Kube) -> Foreign:
    """Return what is on the cluster and has no run's label, nor is in a namespace that has it.

    What a controller makes of another object (ownerReferences) comes and goes with that one.
    """
    found = everything(kube)
    own = {
        one["metadata"]["name"] for one in found if one["kind"] == "Namespace" and _is_labelled(one)
    }
    return Foreign(
        {
            one["metadata"]["uid"]: (ref_of(one), _digest(one))
            for one in found
            if not _is_labelled(one)
            and one["metadata"].get("namespace") not in own
            and "ownerReferences" not in one["metadata"]
            and one["kind"] not in _OWN_LIFE
        }
    )


def _is_labelled(item: Object) -> bool:
    return RUN_LABEL in (item["metadata"].get("labels") or {})


def _digest(item: Object) -> str:
    """Return a digest of what somebody has written: all but metadata and status.

    The generation of a custom resource without a subresource for it counts its status, too.
    """
    said = {key: value for key, value in item.items() if key not in ("metadata", "status")}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
