"""Where repositories begin in a tree, as the paths of their Kustomizations say."""

from __future__ import annotations

import difflib
import posixpath
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conformance.linter.files import inside, parent
from conformance.linter.flux.clusters import BOOTSTRAP
from conformance.linter.flux.repositories import Repositories, parts_of
from conformance.linter.manifest import Manifest
from conformance.linter.reading.tree import Tree


@dataclass(frozen=True)
class _Root:
    """Where the root of a repository is in the tree."""

    base: str
    """The folder that is, or holds, part of the repository."""
    prefix: tuple[str, ...]
    """What paths in the repository have before those in ``base``."""

    def folder(self, path: str) -> str | None:
        """Return where a path of the repository is; None: not under ``base``."""
        parts = parts_of(path)
        if parts[: len(self.prefix)] != self.prefix or ".." in parts:
            return None
        return posixpath.normpath(posixpath.join(self.base, *parts[len(self.prefix) :]))


class Roots:
    """The roots of the repositories that a tree is, has, or is a part of."""

    def __init__(
        self, tree: Tree, kustomizations: Sequence[Manifest], objects: Iterable[Manifest]
    ) -> None:
        """``objects`` are those of the whole tree."""
        self._tree = tree
        self._kustomizations = kustomizations
        self.repositories = Repositories(objects, kustomizations, tree.folders)
        self._paths = [self.repositories.path(one) for one in kustomizations]
        self._found: dict[str, _Root | None] = {}
        self._roots = [
            self._own(path, one.file) if path and parts_of(path) else None
            for one, path in zip(kustomizations, self._paths, strict=True)
        ]
        for index, (one, path) in enumerate(zip(kustomizations, self._paths, strict=True)):
            if path and not parts_of(path):  # the root of the repository, wherever that is
                self._roots[index] = self._nearest_root(one.file) or self._own(path, one.file)

    @property
    def part(self) -> bool:
        """Whether the tree is a folder of a repository, and not the whole of it."""
        return any(root.prefix for root in self._roots if root is not None)

    def folders(self) -> list[str | None]:
        """Return for each Kustomization the folder that it applies; None: it is not in the tree."""
        return [
            None if root is None or path is None else root.folder(path)
            for path, root in zip(self._paths, self._roots, strict=True)
        ]

    def missing(self) -> list[bool]:
        """Return for each Kustomization whether its folder should be in the tree, and is not."""
        return [
            path is not None and folder is None and self.covers(path, one.file)
            for one, path, folder in zip(
                self._kustomizations, self._paths, self.folders(), strict=True
            )
        ]

    def folder(self, path: str, file: str) -> str | None:
        """Return where a path in the repository that ``file`` is of is; None: not in the tree."""
        root = self._near(file)
        folder = None if root is None else root.folder(path)
        there = folder in self._tree.folders
        return self._tree.links.real(folder) if folder and there else None

    def covers(self, path: str, file: str) -> bool:
        """Return whether that path would lie in the tree, if it were there."""
        root = self._near(file)
        return root is not None and root.folder(path) is not None

    def _own(self, path: str, file: str) -> _Root | None:
        """Return the root that a Kustomization's path is right for: the nearest above its file."""
        folders = self._tree.folders
        base = parent(file)
        if posixpath.basename(base) == BOOTSTRAP:
            base = parent(base)  # it is never a repository
        while True:
            root = _Root(base, ())
            if path and root.folder(path) in folders:
                return root
            if base == ".":
                break
            base = parent(base)
        tail = self._tree.tail
        parts = parts_of(path)
        for length in range(len(parts), 0, -1):  # PATH itself is a folder of the repository
            root = _Root(".", parts[:length])
            ours = tuple(tail[-length:]) == parts[:length]
            if (ours or parts[length:]) and root.folder(path) in folders:
                return root
        return None

    def _near(self, file: str) -> _Root | None:
        """Return the root of the Kustomizations nearest to a file; most of them have it."""
        folder = parent(file)
        if folder not in self._found:
            self._found[folder] = self._nearest_root(file)
        return self._found[folder]

    def _nearest_root(self, file: str) -> _Root | None:
        votes: Counter[_Root] = Counter()
        own = parent(file).split("/")
        nearest = -1
        for other, root in zip(self._kustomizations, self._roots, strict=True):
            if root is None or not inside(file, root.base):
                continue
            near = _same(own, parent(other.file).split("/"))
            if near > nearest:
                votes.clear()
                nearest = near
            if near == nearest:
                votes[root] += 1
        return votes.most_common(1)[0][0] if votes else None

    def near_folder(self, kustomization: Manifest, taken: Sequence[str | None]) -> str | None:
        """Return the folder that a mistyped path stands for: the rest can then be judged, too."""
        root = self._near(kustomization.file)
        path = self._paths[self._kustomizations.index(kustomization)]
        name = None if root is None or path is None else root.folder(path)
        others = sorted(self._tree.folders - {".", *(one for one in taken if one)})
        near = difflib.get_close_matches(name or "", others, n=1, cutoff=0.8)
        return near[0] if near else None


def _same(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many parts two paths begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
