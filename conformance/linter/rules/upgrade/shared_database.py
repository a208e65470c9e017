"""Between ``--previous`` and this: whether a database can read the files of the one before it."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.linter.access import get, mapping, text, walk
from conformance.linter.facts.changes import both_releases, key_of, pairs
from conformance.linter.findings import NotRun, Place
from conformance.linter.manifest import Manifest
from conformance.linter.pods import pods_of

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Release


SERVERS: Mapping[str, str] = {
    **dict.fromkeys(("postgres", "postgresql", "postgresql-repmgr", "postgis"), "PostgreSQL"),
    **dict.fromkeys(("pgvector", "timescaledb", "timescaledb-ha"), "PostgreSQL"),
    **dict.fromkeys(("mariadb", "mariadb-galera"), "MariaDB"),
    **dict.fromkeys(("mysql", "mysql-server"), "MySQL"),
    **dict.fromkeys(("mongo", "mongodb"), "MongoDB"),
}
"""Last word of an image's name, or a key in a chart's values -> the server."""
OF_POSTGRES = re.compile(r"(?:.*-)?pg([0-9]{1,3})(?![0-9]).*", re.DOTALL)
"""How a tag names the PostgreSQL in an image with an extension: ``0.7.0-pg16``."""
NUMBERS = re.compile(r"v?([0-9]{1,3})(?:\.([0-9]{1,3}))?(?![0-9])")


@dataclass(frozen=True)
class Database:
    """A database server in a container, or in the values of a chart."""

    server: str
    major: tuple[int, ...]
    """What decides the format of its files."""
    written: str
    place: Place


Found = Iterator[tuple[Database, Database]]


def database_of(name: str, tag: object, place: Place) -> Database | None:
    """Return what an image is; None if it is no known database, or its version is not told."""
    server = SERVERS.get(name)
    written = str(tag) if isinstance(tag, str | int | float) else ""
    if server is None:
        return None
    marked = OF_POSTGRES.fullmatch(written[:99]) if server == "PostgreSQL" else None
    if marked:
        return Database(server, (int(marked[1]),), written, place)
    if name in ("pgvector", "timescaledb", "timescaledb-ha"):
        return None
    match = NUMBERS.match(written)
    if match is None:
        return None
    first, second = int(match[1]), int(match[2] or 0)
    by_two = server == "MySQL" or (server == "PostgreSQL" and first < 10)
    return Database(server, (first, second) if by_two else (first,), written, place)


def of_image(image: object, place: Place) -> Database | None:
    """Return the database server that an image is; None: it is none."""
    name, _, tag = text(image)[:500].partition("@")[0].rpartition("/")[2].partition(":")
    return database_of(name, tag, place)


def in_pods(manifests: tuple[Manifest, ...]) -> dict[Hashable, Database]:
    """Return the databases in containers."""
    found: dict[Hashable, Database] = {}
    for pod in pods_of(manifests):
        for container in pod.containers:
            one = of_image(container.value.get("image"), container.place("image"))
            if one is not None:
                found[key_of(pod.workload), container.name] = one
    return found


def in_values(release: Release) -> dict[Hashable, Database]:
    """Return the databases that a chart from elsewhere is told to run."""
    found: dict[Hashable, Database] = {}
    for path, value in walk(release.values):
        one = None
        if path and path[-1] == "image" and isinstance(value, str):
            one = of_image(value, release.place(*path))
        elif "tag" in mapping(value):
            repository = text(get(value, "repository")).rpartition("/")[2]
            names = [repository, *(str(key) for key in reversed(path))]
            name = next((name for name in names if name in SERVERS), "")
            one = database_of(name, get(value, "tag"), release.place(*path, "tag"))
        if one is not None:
            found[path] = one
    return found


def changed(app: AppPackage) -> Iterator[tuple[Database, Database] | NotRun]:
    """Yield each database that was and is there, as it was and as it is, if its files differ."""
    for old_release, new_release in both_releases(app):
        if old_release.chart is None or new_release.chart is None:
            yield from in_both(in_values(old_release), in_values(new_release))
    for pair in pairs(app):
        if isinstance(pair, NotRun):
            yield pair
            continue
        yield from map(NotRun, pair.missing)
        yield from in_both(in_pods(pair.before), in_pods(pair.now))


def in_both(before: Mapping[Hashable, Database], now: Mapping[Hashable, Database]) -> Found:
    """Yield each database that has another server or major version than before."""
    for key in before:
        if key in now:
            old, new = before[key], now[key]
            if (old.server, old.major) != (new.server, new.major):
                yield old, new


def readable(old: Database, new: Database) -> bool:
    """Return whether the new server can change the old one's files by itself."""
    if new.server != old.server or new.major < old.major or new.server == "PostgreSQL":
        return False
    return new.server != "MongoDB" or new.major[0] == old.major[0] + 1
