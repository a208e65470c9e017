"""Between ``--previous`` and this: whether a database can read the files of the one before it."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.linter.access import get, mapping, text, walk
from conformance.linter.facts.changes import both_releases, key_of, once, pairs
from conformance.linter.findings import NotRun, Place, Problem, Severity, quoted
from conformance.linter.manifest import Manifest
from conformance.linter.pods import pods_of
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Release

_SERVERS: Mapping[str, str] = {
    **dict.fromkeys(("postgres", "postgresql", "postgresql-repmgr", "postgis"), "PostgreSQL"),
    **dict.fromkeys(("pgvector", "timescaledb", "timescaledb-ha"), "PostgreSQL"),
    **dict.fromkeys(("mariadb", "mariadb-galera"), "MariaDB"),
    **dict.fromkeys(("mysql", "mysql-server"), "MySQL"),
    **dict.fromkeys(("mongo", "mongodb"), "MongoDB"),
}
"""Last word of an image's name, or a key in a chart's values -> the server."""
_OF_POSTGRES = re.compile(r"(?:.*-)?pg([0-9]{1,3})(?![0-9]).*", re.DOTALL)
"""How a tag names the PostgreSQL in an image with an extension: ``0.7.0-pg16``."""
_NUMBERS = re.compile(r"v?([0-9]{1,3})(?:\.([0-9]{1,3}))?(?![0-9])")


@dataclass(frozen=True)
class Database:
    """A database server in a container, or in the values of a chart."""

    server: str
    major: tuple[int, ...]
    """What decides the format of its files."""
    written: str
    place: Place


Found = Iterator[tuple[Database, Database]]


def _database(name: str, tag: object, place: Place) -> Database | None:
    """Return what an image is; None if it is no known database, or its version is not told."""
    server = _SERVERS.get(name)
    written = str(tag) if isinstance(tag, str | int | float) else ""
    if server is None:
        return None
    marked = _OF_POSTGRES.fullmatch(written[:99]) if server == "PostgreSQL" else None
    if marked:
        return Database(server, (int(marked[1]),), written, place)
    if name in ("pgvector", "timescaledb", "timescaledb-ha"):
        return None
    match = _NUMBERS.match(written)
    if match is None:
        return None
    first, second = int(match[1]), int(match[2] or 0)
    by_two = server == "MySQL" or (server == "PostgreSQL" and first < 10)
    return Database(server, (first, second) if by_two else (first,), written, place)


def _of_image(image: object, place: Place) -> Database | None:
    name, _, tag = text(image)[:500].partition("@")[0].rpartition("/")[2].partition(":")
    return _database(name, tag, place)


def _in_pods(manifests: tuple[Manifest, ...]) -> dict[Hashable, Database]:
    """Return the databases in containers."""
    found: dict[Hashable, Database] = {}
    for pod in pods_of(manifests):
        for container in pod.containers:
            one = _of_image(container.value.get("image"), container.place("image"))
            if one is not None:
                found[key_of(pod.workload), container.name] = one
    return found


def _in_values(release: Release) -> dict[Hashable, Database]:
    """Return the databases that a chart from elsewhere is told to run."""
    found: dict[Hashable, Database] = {}
    for path, value in walk(release.values):
        one = None
        if path and path[-1] == "image" and isinstance(value, str):
            one = _of_image(value, release.place(*path))
        elif "tag" in mapping(value):
            repository = text(get(value, "repository")).rpartition("/")[2]
            names = [repository, *(str(key) for key in reversed(path))]
            name = next((name for name in names if name in _SERVERS), "")
            one = _database(name, get(value, "tag"), release.place(*path, "tag"))
        if one is not None:
            found[path] = one
    return found


def _changed(app: AppPackage) -> Iterator[tuple[Database, Database] | NotRun]:
    """Yield each database that was and is there, as it was and as it is, if its files differ."""
    for old_release, new_release in both_releases(app):
        if old_release.chart is None or new_release.chart is None:
            yield from _both(_in_values(old_release), _in_values(new_release))
    for pair in pairs(app):
        if isinstance(pair, NotRun):
            yield pair
            continue
        yield from map(NotRun, pair.missing)
        yield from _both(_in_pods(pair.before), _in_pods(pair.now))


def _both(before: Mapping[Hashable, Database], now: Mapping[Hashable, Database]) -> Found:
    for key in before:
        if key in now:
            old, new = before[key], now[key]
            if (old.server, old.major) != (new.server, new.major):
                yield old, new


def _readable(old: Database, new: Database) -> bool:
    """Return whether the new server can change the old one's files by itself."""
    if new.server != old.server or new.major < old.major or new.server == "PostgreSQL":
        return False
    return new.server != "MongoDB" or new.major[0] == old.major[0] + 1


@rule(
    "upgrade.database-major",
    "A database server can read the files of its predecessor",
    level=3,
    why="PostgreSQL does not start on the files of another major version, and no database starts "
    "on the files of a newer one: after the upgrade the app has no database.",
    source="https://www.postgresql.org/docs/current/upgrading.html",
    fix="Keep the major version, or move the data: dump it with the old server, and load it into "
    "a new one with its own claim.",
    example="""
image: docker.io/library/postgres:16.6   # was 16.4; 17 needs a dump
""",
)
def database_major(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each server that cannot."""
    yield from once(_unreadable(app))


def _unreadable(app: AppPackage) -> Iterator[Problem | NotRun]:
    for both in _changed(app):
        if isinstance(both, NotRun):
            yield both
        elif not _readable(*both):
            old, new = both
            yield Problem(
                new.place,
                f"{new.server} {quoted(new.written)} comes after {old.server} "
                f"{quoted(old.written)}: it does not start on the existing files",
            )


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
    for both in _changed(app):
        if isinstance(both, NotRun):
            yield both
        elif _readable(*both):
            old, new = both
            yield Problem(
                new.place,
                f"{new.server} {quoted(new.written)} comes after {quoted(old.written)}: it changes "
                "the files, and there is no way back",
            )
