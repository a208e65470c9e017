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


@rule(
    "upgrade.database-step",
    "A new major version of a database is a separate step",
    level=3,
    severity=Severity.WARNING,
    why="The server changes its files at the first start, and an older server cannot read them "
    "afterwards: if the app's upgrade fails and is rolled back, the database does not start.",
    source="https://mariadb.com/kb/en/upgrading/",
    fix="Upgrade the database in a version of the package that changes nothing else, and tell "
    "people to make a backup first; for MariaDB's image set MARIADB_AUTO_UPGRADE.",
    example="""
image: docker.io/library/mariadb:10.11.9   # was 10.11.8; 11 comes alone
""",
)
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
