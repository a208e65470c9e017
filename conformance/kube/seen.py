"""Objects of the API in a few words, for a transcript: what there was before and after.

Names, phases and conditions alone: no message, and no value that somebody gave.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from conformance.kube.conditions import deployed_revision
from conformance.kube.describe import WORKLOADS, replicas
from conformance.kube.objects import Object, Objects

_TELLING = ("Ready", "Available", "Established", "Complete", "Failed", "Stalled")
"""Conditions that say how an object is."""
_SHOWN = 3
"""Objects of several that are named."""
_READ = 256 * 1024
"""Bytes of an answer that are read for a transcript; larger ones hold whole manifests."""


def in_short(item: Object) -> str:
    """Return which object it is, and how it is.

    Only the kinds of Kubernetes and Flux have the status that is known here. Whatever others have
    there, a transcript is no reason for a check to fail.
    """
    metadata, status = item.get("metadata") or {}, item.get("status")
    if not isinstance(status, Mapping):
        item, status = {**item, "status": {}}, {}
    workload = item.get("kind") in WORKLOADS
    said = [f"{item.get('kind') or 'object'} {metadata.get('name', '')}".rstrip()]
    if metadata.get("deletionTimestamp"):
        said.append("being deleted")
    if generation := metadata.get("generation"):
        said.append(f"generation {generation}")
    if isinstance(phase := status.get("phase"), str):
        said.append(phase)
    if workload:
        said.append(replicas(item))
    elif revision := _revision(item):
        said.append(f"revision {revision}")
    conditions = status.get("conditions")
    for condition in conditions if isinstance(conditions, list) else ():
        if isinstance(condition, Mapping) and (kind := condition.get("type")) in _TELLING:
            said.append(kind if condition.get("status") == "True" else f"not {kind}")
    return ", ".join(said)


def _revision(item: Object) -> str:
    try:
        return deployed_revision(item)
    except (AttributeError, TypeError, LookupError):
        return ""


def each_in_short(items: Objects) -> str:
    """Return the first few of several objects, and how many more there are."""
    more = [f"and {len(items) - _SHOWN} more"] if len(items) > _SHOWN else []
    return "; ".join([*map(in_short, items[:_SHOWN]), *more])


def answered(status: int, body: bytes) -> str:
    """Return an answer of the API: its status, and the objects in it."""
    try:
        answer = json.loads(body) if len(body) <= _READ else None
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or "kind" not in answer:
        return f"{status}, {len(body)} bytes"
    kind = str(answer["kind"])
    if kind == "Status":
        return f"{status} {answer.get('reason') or answer.get('status') or ''}".rstrip()
    if "items" not in answer:
        return f"{status} {in_short(answer)}"
    one = kind.removesuffix("List")
    items = [{**item, "kind": one} for item in answer["items"] or ()]
    return f"{status} {each_in_short(items) or f'no {one}'}"
