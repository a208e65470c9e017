"""What Flux has applied for an app, as its inventories and Helm's own records list it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from conformance.apps.package.helm_records import made_by
from conformance.kube.inventory import ref_of
from conformance.kube.objects import Object, Objects, Ref
from conformance.linter.access import get, mapping, sequence, text

if TYPE_CHECKING:
    from conformance.kube.client import Kube


def applied(kube: Kube, roots: Iterable[Ref]) -> Objects:
    """Return Kustomizations and HelmReleases, and what they have made, directly or by others.

    What a Kustomization lists is as it is now, and what Helm has made is as Helm made it.
    """
    found: dict[Ref, Object] = {}
    waiting = [*roots]
    while waiting:
        ref = waiting.pop()
        item = kube.find(*ref) if ref not in found else None
        if item is None:
            continue
        found[ref] = item = {**item, "apiVersion": ref.api_version, "kind": ref.kind}
        if ref.kind == "Kustomization":
            waiting += [
                _listed(one) for one in sequence(get(item, "status", "inventory", "entries"))
            ]
        elif ref.kind == "HelmRelease":
            for made in made_by(kube, ref):
                there = ref_of(made)
                if made["kind"] in ("Kustomization", "HelmRelease"):
                    waiting.append(there)
                else:
                    found[there] = made
    return [*found.values()]


def _listed(entry: object) -> Ref:
    """Return the object of an inventory's entry: NAMESPACE_NAME_GROUP_KIND, and its version.

    A colon in a name is written as two underscores.
    https://fluxcd.io/flux/components/kustomize/kustomizations/#inventory
    """
    namespace, _, rest = text(mapping(entry).get("id")).partition("_")
    rest, _, kind = rest.rpartition("_")
    name, _, group = rest.rpartition("_")
    version = text(mapping(entry).get("v"))
    return Ref(
        f"{group}/{version}" if group else version,
        kind,
        name.replace("__", ":"),
        namespace or None,
    )
