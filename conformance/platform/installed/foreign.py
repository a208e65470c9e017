"""What is on a platform and not the run's: seen before and after, to prove that it is as before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from conformance.kube.client import Kube
from conformance.kube.inventory import HELM_STORAGE, everything, ref_of
from conformance.kube.objects import Object, Ref
from conformance.platform.namespaces import RUN_LABEL
from conformance.services.velero import SCHEDULE_NAME

_OWN_LIFE = (
    *("BackupRepository", "DeleteBackupRequest", "Node", "PersistentVolume"),
    "ServerStatusRequest",
)
"""Kinds whose objects their controllers write to, make or delete as they please."""


@dataclass(frozen=True)
class Seen:
    """An object as it was at some moment."""

    which: Ref
    digest: str
    """Of what it says."""
    scheduled: bool
    """Whether it comes by itself: a backup that a Schedule makes."""
    expires: str
    """When it goes by itself, in UTC as in ``2026-12-01T02:00:00Z``; empty: never."""


@dataclass(frozen=True)
class Foreign:
    """Objects that are not a run's, by UID."""

    objects: Mapping[str, Seen]

    def changes_to(self, after: Foreign) -> list[str]:
        """Return what is other now, a line each."""
        lines = []
        moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        for uid, one in self.objects.items():
            now = after.objects.get(uid)
            if now is None:
                if not one.expires or one.expires > moment:
                    lines.append(f"{one.which} is gone")
            elif now.digest != one.digest:
                lines.append(f"{one.which} was changed")
        added = [one for uid, one in after.objects.items() if uid not in self.objects]
        lines += [f"{one.which} is new" for one in added if not one.scheduled]
        return sorted(lines)


def foreign(kube: Kube) -> Foreign:
    """Return what is on the cluster and has no run's label, nor is in a namespace that has it.

    What a controller makes of another object (ownerReferences) comes and goes with that one, as do
    the revisions of a release that Helm keeps in Secrets.
    """
    found = everything(kube)
    own = {
        one["metadata"]["name"] for one in found if one["kind"] == "Namespace" and _is_labelled(one)
    }
    return Foreign(
        {
            one["metadata"]["uid"]: _seen(one)
            for one in found
            if not _is_labelled(one)
            and one["metadata"].get("namespace") not in own
            and "ownerReferences" not in one["metadata"]
            and one["kind"] not in _OWN_LIFE
            and one.get("type") != HELM_STORAGE
        }
    )


def _seen(item: Object) -> Seen:
    scheduled = SCHEDULE_NAME in (item["metadata"].get("labels") or {})
    expires = (item.get("status") or {}).get("expiration") if scheduled else ""
    return Seen(ref_of(item), _digest(item), scheduled, expires or "")


def _is_labelled(item: Object) -> bool:
    return RUN_LABEL in (item["metadata"].get("labels") or {})


def _digest(item: Object) -> str:
    """Return a digest of what somebody has written: all but metadata and status.

    The generation of a custom resource without a subresource for it counts its status, too.
    """
    said = {key: value for key, value in item.items() if key not in ("metadata", "status")}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
