"""A Kustomization that deletes what it no longer has keeps its name.

Between ``--previous`` and this: whether Flux still knows the app's Kustomizations.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.changes import against_previous, key_of, once
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, FluxKustomization


@rule("upgrade.kustomization-renamed", level=3)
def kustomization_renamed(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Kustomization that applies what another one applied."""
    yield from once(_renamed(app))


@against_previous
def _renamed(before: AppPackage, app: AppPackage) -> Iterator[Problem | NotRun]:
    now = {_name(one): one for one in app.kustomizations}
    for old in before.kustomizations:
        prunes = old.manifest.get("spec", "prune") is True
        orphans = old.manifest.get("spec", "deletionPolicy") == "Orphan"
        if _name(old) in now or not prunes or orphans:
            continue
        had = {key_of(one) for one in old.members}
        for new in app.kustomizations:
            if had & {key_of(one) for one in new.members}:
                yield Problem(
                    new.manifest.place("metadata", "name"),
                    f"Kustomization {new.name} was {old.name}: Flux deletes what {old.name} had "
                    "applied",
                )
                break


def _name(kustomization: FluxKustomization) -> tuple[str, str]:
    return kustomization.manifest.namespace, kustomization.name
