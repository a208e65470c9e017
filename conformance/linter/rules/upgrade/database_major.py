"""A database server can read the files of its predecessor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.changes import once
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.upgrade.shared_database import changed, readable

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("upgrade.database-major", level=3)
def database_major(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each server that cannot."""
    yield from once(_unreadable(app))


def _unreadable(app: AppPackage) -> Iterator[Problem | NotRun]:
    for both in changed(app):
        if isinstance(both, NotRun):
            yield both
        elif not readable(*both):
            old, new = both
            yield Problem(
                new.place,
                f"{new.server} {quoted(new.written)} comes after {old.server} "
                f"{quoted(old.written)}: it does not start on the existing files",
            )
