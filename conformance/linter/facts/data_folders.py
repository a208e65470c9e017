"""Which volume of a container a database's files really are on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conformance.linter.facts.images import data_folder, tag_of

_POSTGRES = "/var/lib/postgresql"
_VOLUMES: Mapping[str, str] = {
    "/var/lib/mysql": "/var/lib/mysql",
    "/data/db": "/data/db",
    "/var/www/html": "/var/www/html",
}
"""Folder of an image's data -> the one that the image itself declares as a volume."""
_WEB = "/var/www/html"
"""Here the data of a web app is in some of the folders below: a volume for each is right."""
_MAJOR = re.compile(r"(?:.*-)?pg([0-9]+)")
"""As in ``0.8.0-pg17``; otherwise the tag begins with it."""
_OWN_FOLDER_SINCE = 18
"""The major version of PostgreSQL since which the image has a folder for each major version."""


@dataclass(frozen=True)
class Layout:
    """Where an image has its data, and where it declares a volume."""

    data: str
    volume: str


def layout(image: str, command: object, folder: str) -> Layout | None:
    """Return where a container's data is; None if nobody knows.

    ``folder`` is where its environment says that the data is; empty: it says nothing. An image's
    own volume is a new, empty one in every pod, unless something is mounted at the very folder:
    https://github.com/opencontainers/image-spec/blob/main/config.md
    """
    known = data_folder(image, command)
    if known == _POSTGRES:
        tag = tag_of(image)
        match = _MAJOR.match(tag) or re.match("([0-9]+)", tag)
        if match is None:
            return None
        major = int(match[1])
        if major >= _OWN_FOLDER_SINCE:
            return Layout(folder or f"{_POSTGRES}/{major}/docker", _POSTGRES)
        return Layout(folder or f"{_POSTGRES}/data", f"{_POSTGRES}/data")
    if known in _VOLUMES and not folder:
        return Layout(known, _VOLUMES[known])
    return None


def misplaced(where: Layout, mounts: Iterable[str]) -> str:
    """Return why volumes mounted at these folders do not hold the data; empty if they do."""
    paths = [one.rstrip("/") or "/" for one in mounts]
    around = [one for one in paths if _within(where.data, one)]
    own = _within(where.data, where.volume) and where.volume not in paths
    if around and own and len(max(around, key=len)) < len(where.volume):
        return (
            f"its volume is mounted at {max(around, key=len)}, but the image makes a volume of its "
            f"own at {where.volume}, which is a new one in every pod"
        )
    beside = [one for one in paths if _within(one, where.volume) or _within(one, where.data)]
    if not around and beside and where.data != _WEB:
        return f"its volume is mounted at {beside[0]}, which does not hold it"
    return ""


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
