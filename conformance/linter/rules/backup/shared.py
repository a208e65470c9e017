"""What several rules of the family backup share."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.common.backup_labels import (
    BACKUP_EXCLUDES,
)
from conformance.linter.access import get, mapping, sequence, text
from conformance.linter.facts.backed_up import (
    listed,
    mounts,
)

if TYPE_CHECKING:
    from conformance.linter.app import Installation
    from conformance.linter.pods import Pod


def listed_kinds(installation: Installation) -> Iterator[tuple[Pod, str, str]]:
    """Yield each volume that an annotation names, with its type."""
    for pod in installation.pods:
        for volume in sequence(pod.get("spec", "volumes")):
            name = text(get(volume, "name"))
            kinds = [key for key in mapping(volume) if key != "name"]
            if name in listed(pod) and len(kinds) == 1:
                yield pod, name, str(kinds[0])


def names_in(pod: Pod) -> set[str]:
    """Return the names that a pod has for its volumes."""
    volumes = {text(get(volume, "name")) for volume in sequence(pod.get("spec", "volumes"))}
    return volumes | set(pod.claims)


def excluded(pod: Pod) -> set[str]:
    """Return the volumes that a pod leaves out of the backup."""
    return listed(pod, BACKUP_EXCLUDES)


def mistyped(pod: Pod) -> dict[str, str]:
    """Return the names in the annotation that are no volumes -> the claims' volumes they mean."""
    wrong = sorted(listed(pod) - names_in(pod))
    left = [name for name in mounts(pod) if name not in listed(pod) | excluded(pod)]
    meant: dict[str, str] = {}
    for name in wrong:
        by_claim = [volume for volume in left if mounts(pod)[volume] == name]
        near = by_claim or difflib.get_close_matches(name[:64], left, 1, 0.0) or left[:1]
        if near:
            meant[name] = near[0]
            left.remove(near[0])
    return meant
