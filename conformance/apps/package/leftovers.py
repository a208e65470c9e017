"""What is left of an app that Flux has removed, or could not remove: taken away all the same.

The next package finds the cluster as this one has found it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from conformance.kube.client import Kube
from conformance.kube.conditions import deleted
from conformance.kube.errors import NotFound, UnknownKind
from conformance.kube.inventory import ref_of
from conformance.kube.objects import Object, Objects, Ref
from conformance.kube.wait import Wait, WaitFailed, wait_all
from conformance.linter.app import AppPackage

_ORDERLY = 45.0
"""Seconds in which what is deleted goes by itself: a pod has 30 to end."""
_OF_KUBERNETES = ("kubernetes.io/", "foregroundDeletion", "orphan")
"""What finalizers begin with whose controllers do their work for sure."""
_WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
"""What may keep others from being deleted, once those who answer are gone."""


def brought_by(app: AppPackage, kube: Kube) -> list[Ref]:
    """Return what a package brings for the whole cluster that is not there yet.

    Objects of a kind that the package brings itself go with its CustomResourceDefinition.
    """
    manifests = [*app.written, *(one for each in app.installations for one in each.manifests)]
    found = {Ref(one.api_version, one.kind, one.name) for one in manifests if one.name}
    return [one for one in found if _is_for_cluster(one, kube) and kube.find(*one) is None]


def _is_for_cluster(ref: Ref, kube: Kube) -> bool:
    try:
        return not kube.discovery.find(ref.api_version, ref.kind).namespaced
    except UnknownKind:
        return False


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
    found = dict.fromkeys([*map(ref_of, items), *others])
    return sorted(found, key=lambda one: one.kind not in _WEBHOOKS)


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
