"""A chart's files as the archive that Helm loads, made in memory: nothing else can get into it."""

from __future__ import annotations

import fnmatch
import gzip
import io
import re
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_IGNORE_FILE = ".helmignore"
_ALWAYS = "templates/.?*"
_PATTERNS = 200
_ADDRESS = re.compile(rb'"\$(?:ref|dynamicRef)"\s*:\s*"https?:')


def chart_archive(files: Mapping[str, bytes]) -> bytes:
    """Return the ``.tgz`` of a chart's folder: path inside the chart -> content.

    What ``.helmignore`` names is left out, as ``helm package`` does; so is a
    ``values.schema.json`` that refers to addresses: nothing is fetched from there.
    """
    ignored = _Ignored((files.get(_IGNORE_FILE) or b"").decode("utf-8", "replace"))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            schema = name.rpartition("/")[2] == "values.schema.json"
            if ignored.matches(name) or (schema and _ADDRESS.search(content)):
                continue
            member = tarfile.TarInfo(f"chart/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), compresslevel=1, mtime=0)


@dataclass(frozen=True)
class _Pattern:
    """A line of ``.helmignore``."""

    parts: tuple[str, ...]
    whole: bool
    """Whether it is compared with the whole path; else with the last part of it."""
    negated: bool
    folders_only: bool

    @classmethod
    def read(cls, line: str) -> _Pattern:
        negated = line.startswith("!")
        line = line.removeprefix("!")
        folders_only = line.endswith("/")
        line = line.removesuffix("/")
        return cls(
            parts=tuple(line.removeprefix("/").split("/")),
            whole="/" in line,
            negated=negated,
            folders_only=folders_only,
        )

    def fits(self, path: tuple[str, ...]) -> bool:
        compared = path if self.whole else path[-1:]
        return len(compared) == len(self.parts) and all(
            fnmatch.fnmatchcase(part, pattern)
            for part, pattern in zip(compared, self.parts, strict=True)
        )


class _Ignored:
    """What ``.helmignore`` leaves out: https://helm.sh/docs/chart_template_guide/helm_ignore_file."""

    def __init__(self, text: str) -> None:
        lines = [*_lines(text), _ALWAYS]
        self._patterns = [_Pattern.read(line) for line in lines]
        self._folders: dict[tuple[str, ...], bool] = {(): False}

    def matches(self, name: str) -> bool:
        """Whether a file of the chart is left out."""
        path = tuple(name.split("/"))
        return self._folder(path[:-1]) or self._ignored(path, folder=False)

    def _folder(self, path: tuple[str, ...]) -> bool:
        if path not in self._folders:
            ignored = self._folder(path[:-1]) or self._ignored(path, folder=True)
            self._folders[path] = ignored
        return self._folders[path]

    def _ignored(self, path: tuple[str, ...], *, folder: bool) -> bool:
        for pattern in self._patterns:
            fits = (folder or not pattern.folders_only) and pattern.fits(path)
            if fits != pattern.negated:
                return True
        return False


def _lines(text: str) -> Iterable[str]:
    """Return the patterns of ``.helmignore``; what is too long or too much is left out."""
    lines = [line.strip() for line in text.split("\n")]
    wanted = [line for line in lines if line and not line.startswith("#") and len(line) < _PATTERNS]
    return wanted[:_PATTERNS]
