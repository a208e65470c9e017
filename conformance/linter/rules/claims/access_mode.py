"""A claim is for one node only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import sequence
from conformance.linter.facts.cluster import Cluster, each, unknown_charts
from conformance.linter.facts.storage import (
    LOCAL_PATH,
    ONE_NODE,
    claims_and_ephemeral,
    persistence,
)
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.claims.shared import CLASS_KEYS

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("claims.access-mode", level=2)
def access_mode(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim of the platform's class with another mode."""
    yield from each(app, _strange_modes)


def _strange_modes(cluster: Cluster) -> Iterator[Problem]:
    for claim in claims_and_ephemeral(cluster):
        name = claim.storage_class
        if claim.bound or not (name is None or name.startswith(LOCAL_PATH)):
            continue
        for index, mode in enumerate(claim.modes):
            if mode not in ONE_NODE:
                yield Problem(
                    claim.place("spec", "accessModes", index),
                    f"claim {claim.name} asks for {quoted(mode)}, which {LOCAL_PATH} does not have",
                )
    for release in unknown_charts(cluster):
        for path, value in persistence(release):
            names = [str(value[key]) for key in CLASS_KEYS if value.get(key)]
            if any(not name.startswith(LOCAL_PATH) for name in names):
                continue
            modes = [value.get("accessMode"), *sequence(value.get("accessModes"))]
            for mode in modes:
                if mode in ("ReadWriteMany", "ReadOnlyMany"):
                    key = "accessMode" if value.get("accessMode") == mode else "accessModes"
                    yield Problem(
                        release.place(*path, key),
                        f"{'.'.join(map(str, (*path, key)))} has {mode}, which {LOCAL_PATH} does"
                        " not have",
                    )
