"""Which clusters a tree is for: a repository often has a folder for each.

Names need to be unique, and references lead to something, in each cluster by itself.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from conformance.linter.files import inside, parent
from conformance.linter.manifest import Manifest

BOOTSTRAP = "flux-system"
"""The folder, and the Kustomization, that ``flux bootstrap`` writes for a cluster."""
_CLUSTERS = "clusters"
"""The folder that Flux's own documentation keeps clusters in."""


def cluster_folders(kustomizations: Sequence[Manifest], folders: Sequence[str | None]) -> list[str]:
    """Return the folder of each cluster; none where a tree is for one cluster, or for any.

    ``folders`` are those that the Kustomizations apply.
    """
    found = set()
    for one, folder in zip(kustomizations, folders, strict=True):
        parts = PurePosixPath(one.file).parts
        if BOOTSTRAP in parts[:-1]:
            found.add(posixpath.join(".", *parts[: parts.index(BOOTSTRAP)]))
        elif one.name == BOOTSTRAP and folder is not None:
            found.add(folder)
        elif _CLUSTERS in parts[:-2]:
            found.add("/".join(parts[: parts.index(_CLUSTERS) + 2]))
    found |= _of_same_names(kustomizations, folders)
    outer = [posixpath.normpath(one) for one in found]
    apart = [
        one for one in outer if not any(one != other and inside(other, one) for other in outer)
    ]
    return sorted(set(apart)) if len(set(apart)) > 1 else []


def _of_same_names(kustomizations: Sequence[Manifest], folders: Sequence[str | None]) -> set[str]:
    """Return folders that have the same Kustomizations, which apply what lies outside of them."""
    named: dict[tuple[str, str], list[tuple[str, str | None]]] = {}
    for one, folder in zip(kustomizations, folders, strict=True):
        named.setdefault((one.namespace, one.name), []).append((one.file, folder))
    found = set()
    for places in named.values():
        files = [file for file, _ in places]
        if len(files) < 2 or len(set(map(posixpath.basename, files))) > 1:
            continue
        common = posixpath.commonpath([parent(file) for file in files])
        depth = 0 if common in ("", ".") else common.count("/") + 1
        own = ["/".join(PurePosixPath(file).parts[: depth + 1]) for file in files]
        apart = len(set(own)) == len(own)
        outside = [
            folder is not None and not inside(folder, mine)
            for (_, folder), mine in zip(places, own, strict=True)
        ]
        if apart and all(outside) and not set(files) & set(own):
            found |= set(own)
    return found


class Clusters:
    """Which of a tree's Kustomizations and files each cluster has."""

    def __init__(
        self,
        folders: Sequence[str],
        kustomizations: Sequence[Manifest],
        files: Sequence[Iterable[str]],
    ) -> None:
        """``files`` are those that each Kustomization applies."""
        self._folders = folders
        applied = [set(one) for one in files]
        self._of: list[frozenset[str]] = []
        start = [
            {cluster for cluster in folders if inside(one.file, cluster)} for one in kustomizations
        ]
        changed = bool(folders)
        while changed:
            changed = False
            for index, _ in enumerate(kustomizations):
                for other, child in enumerate(kustomizations):
                    more = start[index] - start[other]
                    if more and child.file in applied[index] and not self.of_file(child.file):
                        start[other] |= more
                        changed = True
        self._of = [frozenset(one) for one in start]
        self._by_file: dict[str, set[str]] = {}
        for index, paths in enumerate(applied):
            for path in paths:
                self._by_file.setdefault(path, set()).update(self._of[index])

    def of_kustomization(self, index: int) -> frozenset[str]:
        """Return the clusters that have a Kustomization; none: it may be in any."""
        return self._of[index]

    def of_file(self, file: str) -> frozenset[str]:
        """Return the clusters whose folder a file lies in."""
        return frozenset(one for one in self._folders if inside(file, one))

    def of_object(self, manifest: Manifest) -> frozenset[str]:
        """Return the clusters that an object may be in; none: it may be in any."""
        own = self.of_file(manifest.file)
        return own or frozenset(self._by_file.get(manifest.file, ()))


def together(one: frozenset[str], other: frozenset[str]) -> bool:
    """Return whether two things may be in the same cluster."""
    return not one or not other or bool(one & other)
