"""Every claim that a pod names exists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.needs import State, origin
from conformance.linter.facts.storage import (
    absent,
    handed,
    lost,
)
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("claims.missing", level=2)
def claim_missing(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim that nothing makes."""
    yield from each(app, _missing)


def _missing(cluster: Cluster) -> Iterator[Problem | NotRun]:
    for mount, answer in absent(cluster):
        if answer.state is State.UNKNOWN:
            yield NotRun(f"nothing in PATH creates claim {mount.claim[:200]}")
            continue
        place = mount.pod.place(*mount.path)
        yield Problem(
            origin(cluster, mount.pod.workload, mount.claim, place),
            f"volume {mount.volume} is claim {quoted(mount.claim)}, which nothing creates"
            f"{answer.hint}",
        )
    for one in handed(cluster):
        detail = lost(cluster, one)
        if detail is not None:
            yield Problem(
                one.place,
                f"{'.'.join(map(str, one.path))} is {quoted(one.name)}, and the package has no "
                f"such claim{detail}",
            )
