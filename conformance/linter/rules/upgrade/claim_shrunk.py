"""No claim gets smaller."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.changes import (
    once,
    pairs,
    quantity,
)
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("upgrade.claim-shrunk", level=3)
def claim_shrunk(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim that asks for less than it did."""
    yield from once(_shrunk(app))


def _shrunk(app: AppPackage) -> Iterator[Problem | NotRun]:
    path = ("spec", "resources", "requests", "storage")
    for pair in pairs(app):
        if isinstance(pair, NotRun):
            yield pair
            continue
        yield from map(NotRun, pair.missing)
        for old, new in pair.both("PersistentVolumeClaim"):
            was, now = quantity(old.get(*path)), quantity(new.get(*path))
            if was is not None and now is not None and now < was:
                yield Problem(
                    new.place(*path),
                    f"claim {new.name} asks for {quoted(new.get(*path))}, and before asked for "
                    f"{quoted(old.get(*path))}: Kubernetes refuses a smaller one",
                )
