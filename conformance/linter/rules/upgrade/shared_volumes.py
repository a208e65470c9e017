"""Between ``--previous`` and this: whether the app still finds its volumes."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.linter.access import get, sequence, text
from conformance.linter.findings import Place
from conformance.linter.manifest import Manifest
from conformance.linter.pods import pods_of

TEMPLATES = ("spec", "volumeClaimTemplates")
Mounts = dict[tuple[str, str], list[tuple[str, str, Place]]]
"""Namespace and name of a claim -> path in a container, folder in the volume, place."""


def mounts_of(manifests: Iterable[Manifest]) -> Mounts:
    """Return where pods that last mount which claim."""
    found: Mounts = {}
    for pod in pods_of(manifests):
        if not pod.lasting or pod.hook:
            continue
        space, name = pod.workload.namespace, pod.workload.name
        templates = {
            text(get(one, "metadata", "name")) for one in sequence(pod.workload.get(*TEMPLATES))
        }
        claims = {
            volume: (space, f"{volume}-{name}-*" if volume in templates else claim)
            for volume, claim in pod.claims.items()
        }
        for claim in claims.values():
            found.setdefault(claim, [])
        for container in pod.containers:
            for index, mount in enumerate(sequence(container.value.get("volumeMounts"))):
                claim_of = claims.get(text(get(mount, "name")))
                if claim_of is not None and not container.init:
                    where = text(get(mount, "mountPath")).rstrip("/")
                    folder = text(get(mount, "subPath")).strip("/")
                    place = container.place("volumeMounts", index, "mountPath")
                    found[claim_of].append((where, folder, place))
    return found
