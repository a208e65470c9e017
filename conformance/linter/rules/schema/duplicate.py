"""Flux applies each object once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Problem
from conformance.linter.manifest import Manifest
from conformance.linter.rule import rule
from conformance.linter.rules.schema.shared import Identity, identity_of, said_twice, unfolded

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("schema.duplicate", level=1)
def duplicate(app: AppPackage) -> Iterator[Problem]:
    """Yield each written object that is there twice."""
    groups = [(one.name, one.members) for one in app.kustomizations]
    owned = {id(member) for _, members in groups for member in members}
    loose = [one for one in app.written if id(one) not in owned and not app.rest]
    seen: dict[Identity, tuple[str, Manifest]] = {}
    for owner, members in (*groups, ("", loose)):
        for manifest in unfolded(members):
            identity = identity_of(manifest)
            if identity is None:
                continue
            before = seen.setdefault(identity, (owner, manifest))
            if before[1] is manifest:
                continue
            same_place = manifest.place() == before[1].place()
            if before[0] != owner and (same_place or before[1].value == manifest.value):
                continue
            yield Problem(manifest.place(), said_twice(manifest, before[1].place(), same_place))
