"""Flux applies each object once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.linter.findings import Problem
from conformance.linter.flux.clusters import together
from conformance.linter.manifest import Manifest
from conformance.linter.rule import rule
from conformance.linter.rules.schema.shared import Identity, identity_of, said_twice, unfolded

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, FluxKustomization


@rule("schema.duplicate", level=1)
def duplicate(app: AppPackage) -> Iterator[Problem]:
    """Yield each written object that is there twice."""
    owned = {id(member) for one in app.kustomizations for member in one.members}
    loose = [one for one in app.written if id(one) not in owned and not app.rest]
    groups = [(one.clusters, one, one.members) for one in app.kustomizations]
    seen: dict[Identity, list[_Seen]] = {}
    for clusters, owner, members in (*groups, (frozenset(), None, loose)):
        for manifest in unfolded(members):
            identity = identity_of(manifest)
            if identity is None:
                continue
            others = seen.setdefault(identity, [])
            before = next((one for one in others if together(one.clusters, clusters)), None)
            if before is None:
                others.append(_Seen(clusters, owner, manifest))
                continue
            if before.manifest is manifest:
                continue
            place = before.manifest.place()
            same_place = manifest.place() == place
            if before.owner is owner or not (same_place or before.manifest.value == manifest.value):
                yield Problem(manifest.place(), said_twice(manifest, place, same_place))


@dataclass(frozen=True)
class _Seen:
    """An object that is there already."""

    clusters: frozenset[str]
    owner: FluxKustomization | None
    """What applies it."""
    manifest: Manifest
