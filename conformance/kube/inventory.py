"""Every object there is, whatever its kind: to see what appeared, changed or stayed behind."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from conformance.kube.client import Kube
from conformance.kube.discovery import Resource
from conformance.kube.errors import ApiError
from conformance.kube.objects import Object, Objects, Ref

_IN_STORE = frozenset({"list", "watch"})
"""What can be done with kinds whose objects somebody has made; others are answers to a request."""
_LEFT_OUT = frozenset({"ControllerRevision", "Endpoints", "EndpointSlice", "Event", "Lease"})
"""What controllers write beside an object, and take away with it in their own time."""
HELM_STORAGE = "helm.sh/release.v1"
"""The type of the Secrets in which Helm keeps the revisions of a release."""
_THREADS = 8


def everything(
    kube: Kube, *, labels: str | None = None, namespaces: Collection[str] | None = None
) -> Objects:
    """Return the objects of every kind that can be listed, but for what controllers write beside.

    ``labels`` is a label selector. With ``namespaces``, only what is in these, and what is in none.
    A kind that cannot be listed, as its CRD is just going, has no objects.
    """

    def served(version: str) -> list[Resource]:
        with suppress(ApiError):
            return kube.discovery.served(version)
        return []

    def read(kind: Resource) -> Objects:
        with suppress(ApiError):
            return [
                # A list leaves out what each of its objects has in common.
                {**item, "apiVersion": kind.api_version, "kind": kind.kind}
                for item in kube.list(kind.api_version, kind.kind, labels=labels)
            ]
        return []

    with ThreadPoolExecutor(_THREADS, "inventory") as executor:
        versions = executor.map(served, kube.discovery.group_versions())
        kinds = [
            kind
            for kinds_of_version in versions
            for kind in kinds_of_version
            if kind.verbs >= _IN_STORE and kind.kind not in _LEFT_OUT
        ]
        found = [item for items in executor.map(read, kinds) for item in items]
    return [
        item
        for item in found
        if namespaces is None or item["metadata"].get("namespace") in {None, *namespaces}
    ]


def ref_of(item: Object) -> Ref:
    """Return which object it is."""
    metadata = item["metadata"]
    return Ref(item["apiVersion"], item["kind"], metadata["name"], metadata.get("namespace"))


def by_uid(items: Objects) -> dict[str, Object]:
    """Return objects by their UID: one of the same name that was made anew is another one."""
    return {item["metadata"]["uid"]: item for item in items}
