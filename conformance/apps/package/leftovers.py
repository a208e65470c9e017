"""What is left of an app that Flux has removed, or could not remove: taken away all the same.

The next package finds the cluster as this one has found it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from conformance.kube.client import Kube
from conformance.kube.conditions import deleted
from conformance.kube.errors import NotFound
from conformance.kube.inventory import ref_of
from conformance.kube.objects import Object, Objects, Ref
from conformance.kube.wait import Wait, WaitFailed, wait_all
from conformance.linter.app import AppPackage

_ORDERLY = 45.0
"""Seconds in which what is deleted goes by itself: a pod has 30 to end."""
_OF_KUBERNETES = ("kubernetes.io/", "foregroundDeletion", "orphan")
"""What finalizers begin with whose controllers do their work for sure."""
_VERSIONS = {"Namespace": "v1", "CustomResourceDefinition": "apiextensions.k8s.io/v1"}
"""Of the kinds without a namespace that a package may bring."""


def brought_by(app: AppPackage, kube: Kube) -> list[Ref]:
    """Return what a package brings for the whole cluster that is not there yet."""
    manifests = [*app.written, *(one for each in app.installations for one in each.manifests)]
    found = {
        Ref(_VERSIONS[one.kind], one.kind, one.name) for one in manifests if one.kind in _VERSIONS
    }
    return [one for one in found if kube.find(*one) is None]


def take_away(kube: Kube, items: Callable[[], Objects], others: Sequence[Ref]) -> list[str]:
    """Delete the items and the other objects; return what is still there at the end, in words.

    ``items`` looks at what there is now. What hangs loses its finalizers: nobody does their work.
    """
    for one in _refs(items(), others):
        kube.delete(*one)
    if not _wait_gone(kube, _refs(items(), others), _ORDERLY):
        for item in items():
            with suppress(NotFound):  # it has gone meanwhile
                _force(kube, item)
        _wait_gone(kube, _refs(items(), others), kube.timeouts.deletion)
    return [f"{one}{_why(kube.find(*one))}" for one in _refs(items(), others) if kube.find(*one)]


def _refs(items: Iterable[Object], others: Sequence[Ref]) -> list[Ref]:
    return [*map(ref_of, items), *others]


def _wait_gone(kube: Kube, refs: Sequence[Ref], seconds: float) -> bool:
    try:
        wait_all(kube, [Wait(one, deleted()) for one in refs], timeout=seconds)
    except WaitFailed:
        return False
    return True


def _force(kube: Kube, item: Object) -> None:
    ref = ref_of(item)
    if item["kind"] == "Pod":
        kube.delete(*ref, grace_seconds=0)
    finalizers = item["metadata"].get("finalizers") or []
    kept = [one for one in finalizers if one.startswith(_OF_KUBERNETES)]
    if kept != finalizers:
        kube.patch(*ref, {"metadata": {"finalizers": kept}})


def _why(item: Object | None) -> str:
    finalizers = (item or {}).get("metadata", {}).get("finalizers")
    return f" (finalizers: {', '.join(finalizers)})" if finalizers else ""
