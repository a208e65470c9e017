"""Which objects of a cluster are an app's own: those that have come with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.kube.inventory import HELM_STORAGE, by_uid, everything, ref_of
from conformance.kube.objects import Object, Objects

if TYPE_CHECKING:
    from conformance.apps.package.live import LiveApp
    from conformance.kube.client import Kube

_CLAIM = "PersistentVolumeClaim"
_OF_A_NAMESPACE = ("default", "kube-root-ca.crt")
"""A ServiceAccount and a ConfigMap that Kubernetes makes in every namespace."""


@dataclass(frozen=True)
class Remains:
    """What there is after an app's removal."""

    claims: Objects
    """Its claims, with their data."""
    lost: list[str]
    """Names of claims that it had, and that are gone."""
    left: Objects
    """What else it has left behind, and nobody is about to remove."""

    @property
    def names_of_claims(self) -> list[str]:
        """The claims that stay."""
        return sorted(item["metadata"]["name"] for item in self.claims)

    @property
    def names_of_left(self) -> list[str]:
        """What is left behind, in words."""
        return sorted(str(ref_of(item)) for item in self.left)


class OwnObjects:
    """What has come since before an app was installed, and nobody has applied for others."""

    def __init__(
        self,
        kube: Kube,
        namespaces: Callable[[], Collection[str]],
        live: Callable[[], LiveApp],
    ) -> None:
        """``namespaces`` are those of the app, ``live`` is what Flux has applied of it."""
        self._kube = kube
        self._namespaces = namespaces
        self._live = live
        self._before: set[str] = set()

    def begin(self) -> None:
        """Take what is there now for that of others."""
        self._before = set(self._now())

    def claims(self) -> Objects:
        """Return the claims that came with the app, whoever made them."""
        return [item for item in self.made() if item["kind"] == _CLAIM]

    def made(self) -> Objects:
        """Return what has come where the app's objects are; nothing of the whole cluster."""
        return [item for item in self.made_anywhere() if "namespace" in item["metadata"]]

    def made_anywhere(self) -> Objects:
        """Return the same, and what Flux has applied of the app for the whole cluster."""
        return self._made_of(self._now())

    def has(self, item: Object) -> bool:
        """Whether an object has come since, and for nobody else."""
        new = item["metadata"]["uid"] not in self._before
        return new and not self._live().is_of_another(item)

    def going(self) -> Objects:
        """Return what is left of the app but for its claims, and somebody is about to remove."""
        now = self._now()
        return [item for item in self._left_of(now) if _is_going(item, now)]

    def remains(self, claims: Objects) -> Remains:
        """Return what there is after a removal; ``claims`` are those from before it."""
        had, now = by_uid(claims), self._now()
        kept = {uid for uid in had if uid in now and not _is_going(now[uid], now)}
        lost = [item["metadata"]["name"] for uid, item in had.items() if uid not in kept]
        return Remains([now[uid] for uid in kept], lost, self._left_of(now))

    def _made_of(self, now: Mapping[str, Object]) -> Objects:
        live = self._live()
        return [
            item
            for item in now.values()
            if self.has(item)
            and item.get("type") != HELM_STORAGE
            and ("namespace" in item["metadata"] or live.has(item))
            and item["metadata"]["name"] not in _OF_A_NAMESPACE
        ]

    def _left_of(self, now: Mapping[str, Object]) -> Objects:
        return [
            item
            for item in self._made_of(now)
            if "namespace" in item["metadata"] and item["kind"] != _CLAIM
        ]

    def _now(self) -> Mapping[str, Object]:
        """What there is, by UID: a request for each kind of the cluster."""
        return by_uid(everything(self._kube, namespaces=self._namespaces()))


def _is_going(item: Object, now: Mapping[str, Object]) -> bool:
    """Whether somebody is about to remove an object: it is being deleted, or its owners are gone.

    ``now`` is what there is, by UID. The pod of a Job that stays, as Helm leaves that of a hook,
    stays with it: https://kubernetes.io/docs/concepts/architecture/garbage-collection/
    """
    metadata = item["metadata"]
    if "deletionTimestamp" in metadata:
        return True
    owners = [now.get(owner["uid"]) for owner in metadata.get("ownerReferences") or ()]
    return bool(owners) and all(owner is None or _is_going(owner, now) for owner in owners)
