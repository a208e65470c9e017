"""A package's files in the tracked repository, and what these have replaced there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.platform.reference.content import ROOT_KUSTOMIZATION, listed

if TYPE_CHECKING:
    from conformance.apps.package.placement import Placement
    from conformance.apps.tracked import Changes, TrackedBranch


class InRepository:
    """One package in the repository: each of its commits, and the one that undoes them."""

    def __init__(self, branch: TrackedBranch) -> None:
        self._branch = branch
        self._git = branch.git
        self._replaced: dict[str, str | bytes | None] = {}
        self.commit = ""
        """The last one with the package's files; empty: there was none yet."""

    def put(self, placement: Placement, message: str) -> None:
        """Push the package's files, and list it among the apps."""
        with self._git.lock:
            self._remember(placement)
            self._push(placement, message)

    def replace(self, earlier: Placement, later: Placement, message: str) -> None:
        """Push another version of the package; what only the earlier one has is as before it."""
        with self._git.lock:
            self._remember(later)
            gone = {
                path: before
                for path, before in self._replaced.items()
                if path in earlier.files and path not in later.files
            }
            self._push(later, message, gone, earlier.entry)

    def take_out(self, placement: Placement, message: str) -> None:
        """Push the repository as it was before the package."""
        with self._git.lock:
            tree = listed(self._git.read(ROOT_KUSTOMIZATION), remove=placement.entry)
            known = set(self._git.files())
            back = {
                path: content
                for path, content in self._replaced.items()
                if content is not None or path in known
            }
            self._branch.push({**back, ROOT_KUSTOMIZATION: tree}, message)

    def lists(self, placement: Placement) -> bool:
        """Whether the package was pushed, and is listed among the apps now."""
        if not self.commit:
            return False
        tree = self._git.read(ROOT_KUSTOMIZATION)
        return listed(tree, remove=placement.entry) != tree

    def is_included(self, revision: str) -> bool:
        """Whether a revision that Flux has fetched includes the last commit."""
        return self.commit in revision or self._git.includes(revision, self.commit)

    def _remember(self, placement: Placement) -> None:
        """Remember what the repository has in place of a package's files before these come."""
        known = set(self._git.files())
        for path in placement.files:
            if path not in self._replaced:
                self._replaced[path] = self._git.read(path) if path in known else None

    def _push(
        self,
        placement: Placement,
        message: str,
        more: Changes | None = None,
        instead_of: str = "",
    ) -> None:
        tree = listed(self._git.read(ROOT_KUSTOMIZATION), remove=instead_of)
        tree = listed(tree, add=placement.entry)
        changes: Changes = {**(more or {}), **placement.files, ROOT_KUSTOMIZATION: tree}
        self.commit = self._branch.push(changes, message)
