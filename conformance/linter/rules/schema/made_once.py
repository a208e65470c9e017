"""Helm creates each object once, and none that Flux creates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import NotRun, Problem
from conformance.linter.manifest import Manifest
from conformance.linter.rule import rule
from conformance.linter.rules.schema.shared import (
    Identity,
    identity_of,
    not_rendered,
    said_twice,
    unfolded,
)

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("schema.made-once", level=2)
def made_once(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each rendered object that is there twice."""
    yield from not_rendered(app)
    for installation in app.installations:
        seen: dict[Identity, Manifest] = {}
        for manifest in sorted(unfolded(installation.manifests), key=lambda one: one.rendered):
            identity = identity_of(manifest)
            if identity is None or manifest.hook:
                continue
            before = seen.setdefault(identity, manifest)
            if before is not manifest and manifest.rendered:
                yield Problem(manifest.place(), said_twice(manifest, before.place(), False))
