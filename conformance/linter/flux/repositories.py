"""Which folder of this tree a Kustomization's path is in: that of another repository is in none.

A Kustomization names its source and a path in it. The source may be this repository, another one,
or an artifact that Flux composes of folders of this one.
https://fluxcd.io/flux/components/source/artifactgenerators/
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from conformance.linter.access import get, sequence, text
from conformance.linter.app import SOURCE_KINDS
from conformance.linter.manifest import Manifest

_COMPOSED = "ExternalArtifact"
_COMPOSES = "ArtifactGenerator"
_ALL = "/**"
"""Ends the pattern of what is copied out of a folder, with all folders in it."""
Source = tuple[str, str]
"""Kind and name."""


class Repositories:
    """The sources of a tree's Kustomizations."""

    def __init__(
        self,
        objects: Iterable[Manifest],
        kustomizations: Sequence[Manifest],
        folders: Collection[str],
    ) -> None:
        """``objects`` are those of the whole tree, ``folders`` its folders."""
        self._urls: dict[Source, str] = {}
        self._composers: list[Manifest] = []
        for one in objects:
            if one.kind in SOURCE_KINDS:
                self._urls[one.kind, one.name] = _plain(text(one.get("spec", "url")))
            elif one.kind == _COMPOSES:
                self._composers.append(one)
        known = {folder.rpartition("/")[2] for folder in folders}
        votes = Counter(
            source_of(one)
            for one in kustomizations
            if parts_of(written_path(one))[-1:] and parts_of(written_path(one))[-1] in known
        )
        self._main = votes.most_common(1)[0][0] if votes else None

    def path(self, kustomization: Manifest) -> str | None:
        """Return the path in this repository that a Kustomization applies.

        None: it is one of another repository, or of nobody knows which.
        """
        source = source_of(kustomization)
        if source[0] == _COMPOSED:
            return next(self._composed(kustomization, source[1]), None)
        path = written_path(kustomization)
        return None if self.is_another(source) or "${" in path else path

    def is_another(self, source: Source) -> bool:
        """Return whether a source is surely another repository than this one."""
        if self._main is None or source == self._main or source not in self._urls:
            return False
        return self._urls[source] != self._urls.get(self._main, "")

    def _composed(self, kustomization: Manifest, name: str) -> Iterator[str]:
        """Yield where the folder of an artifact comes from; the composer that is nearest first."""
        wanted = parts_of(written_path(kustomization))
        near = sorted(
            self._composers,
            key=lambda one: -len(posixpath.commonprefix([one.file, kustomization.file])),
        )
        for composer in near:
            for artifact in sequence(composer.get("spec", "artifacts")):
                if text(get(artifact, "name")) != name:
                    continue
                for entry in sequence(get(artifact, "copy")):
                    _, _, origin = text(get(entry, "from")).partition("/")
                    to = parts_of(text(get(entry, "to")).partition("/")[2])
                    if origin.endswith(_ALL) and wanted[: len(to)] == to:
                        yield posixpath.join(origin.removesuffix(_ALL), *wanted[len(to) :])
                return


def source_of(kustomization: Manifest) -> Source:
    """Return the kind and name of a Kustomization's source."""
    ref = kustomization.get("spec", "sourceRef")
    return text(get(ref, "kind")), text(get(ref, "name"))


def written_path(kustomization: Manifest) -> str:
    """Return the path that a Kustomization applies, as it is written: one of its source."""
    return text(kustomization.get("spec", "path"))


def parts_of(path: str) -> tuple[str, ...]:
    """Return the parts of a path, without those that mean nothing."""
    return tuple(part for part in path.split("/") if part not in ("", "."))


def _plain(url: str) -> str:
    return (
        url.removesuffix("/")
        .removesuffix(".git")
        .rpartition("://")[2]
        .rpartition("@")[2]
        .replace(":", "/")
    )
