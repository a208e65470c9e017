"""What an image's name says: its version, and the folder of its data."""

from __future__ import annotations

import re
from collections.abc import Mapping

_MOVES = ("latest", "stable")
"""Tags that move, whatever follows: ``latest-alpine3.20``."""
_DATA: Mapping[str, str] = {
    "library/mysql": "/var/lib/mysql",
    "library/mariadb": "/var/lib/mysql",
    "library/percona": "/var/lib/mysql",
    "percona/percona-server": "/var/lib/mysql",
    "library/postgres": "/var/lib/postgresql",
    "postgis/postgis": "/var/lib/postgresql",
    "pgvector/pgvector": "/var/lib/postgresql",
    "timescale/timescaledb": "/var/lib/postgresql",
    "library/mongo": "/data/db",
    "library/couchdb": "/opt/couchdb/data",
    "library/nextcloud": "/var/www/html",
    "library/wordpress": "/var/www/html",
}
"""Image of Docker Hub -> the folder in which its own documentation says its data is."""
_BITNAMI: Mapping[str, str] = {
    name: f"/bitnami/{name}"
    for name in ("mysql", "mariadb", "postgresql", "mongodb", "wordpress", "nextcloud")
}
_APPS = frozenset({"nextcloud", "wordpress"})
_DATABASES = frozenset({*(name.rpartition("/")[2] for name in _DATA), *_BITNAMI}) - _APPS
_FOLDERS = ("/var/lib/mysql", "/var/lib/postgresql", *_BITNAMI.values())
"""Folders that hold data whatever the image is called."""
_SERVERS = re.compile(
    r"(docker-)?entrypoint(\.sh)?|run\.sh|mysqld(_safe)?|mariadbd(-safe)?|postgres|mongod|couchdb"
    r"|apache2-foreground|php-fpm"
)


def repository(image: str) -> str:
    """Return an image's name without registry, tag and digest: ``postgres``."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()


def tag_of(image: str) -> str:
    """Return an image's tag; empty if it has none."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def moves(tag: str) -> bool:
    """Return whether a tag stands for another image tomorrow: it has no number in it."""
    first = re.split(r"[-._]", tag.lower(), maxsplit=1)[0]
    return first in _MOVES or not any(character.isdigit() for character in tag)


def is_database(image: str) -> bool:
    """Return whether the image is a known database server's."""
    return repository(image) in _DATABASES


def data_folder(image: str, command: object) -> str:
    """Return the folder in which a container of ``image`` keeps its data; empty if not known.

    A container with a ``command`` of its own may be a client: then nothing is known.
    """
    if isinstance(command, list) and command:
        program = str(command[0])[:1000].rpartition("/")[2]
        if not _SERVERS.fullmatch(program):
            return ""
    path = (
        image.partition("@")[0].lower().removeprefix("docker.io/").removeprefix("index.docker.io/")
    )
    owner, _, _ = path.rpartition("/")
    name = repository(image)
    if owner in ("bitnami", "bitnamilegacy"):
        return _BITNAMI.get(name, "")
    return _DATA.get(f"{owner or 'library'}/{name}", "")


def holds_data(path: str) -> str:
    """Return the known data folder that a mount at ``path`` holds; empty if it is none."""
    path = path.rstrip("/")
    for folder in _FOLDERS:
        if path == folder or path.startswith(f"{folder}/data"):
            return folder
    return ""
