"""A new major version of a database is a separate step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.changes import once
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.upgrade.shared_database import changed, readable

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("upgrade.database-step", level=3, severity=Severity.WARNING)
def database_step(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each server that changes the files of the one before it."""
    yield from once(_steps(app))


def _steps(app: AppPackage) -> Iterator[Problem | NotRun]:
    for both in changed(app):
        if isinstance(both, NotRun):
            yield both
        elif readable(*both):
            old, new = both
            yield Problem(
                new.place,
                f"{new.server} {quoted(new.written)} comes after {quoted(old.written)}: it changes "
                "the files, and there is no way back",
            )
