"""Two releases of a platform: one that is installed, and the next one, which is pushed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from conformance.platform.reference import ReferenceStack
from conformance.platform.reference.content import repository_files
from conformance.platform.snapshots import install_levels
from conformance.platform.tree.stack import TreeStack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from conformance.platform.secondary import SecondaryClusters
    from conformance.platform.site import Site
    from conformance.platform.stack import Stack
    from conformance.platform.tree.given import GivenTree

PURPOSE = "upgraded"
"""Of the cluster."""


class Releases(Protocol):
    """The previous release and the next one, of one platform."""

    def install(self, clusters: SecondaryClusters) -> Future[Site]:
        """Begin to install the previous release on the cluster for ``PURPOSE``."""

    def files(self) -> Mapping[str, bytes]:
        """Return what is in the repository of the next release."""

    def push(self, stack: Stack) -> str:
        """Have the tracked branch hold the next release; return the hash of its last commit."""

    def push_back(self, stack: Stack) -> str:
        """Do the same with the previous release."""


@dataclass(frozen=True)
class ReferenceReleases:
    """Of the reference platform: folders with charts/ and fixtures/."""

    previous: Path
    following: Path

    def install(self, clusters: SecondaryClusters) -> Future[Site]:
        """Begin to install the previous release on the cluster for ``PURPOSE``."""
        return clusters.begin(PURPOSE, install_levels, self.previous)

    def files(self) -> Mapping[str, bytes]:
        """Return what is in the repository of the next release."""
        return repository_files(self.following)

    def push(self, stack: Stack) -> str:
        """Have the tracked branch hold the next release; return the hash of its last commit."""
        assert isinstance(stack, ReferenceStack), "it is installed as the reference platform"
        return stack.push_release(self.following)

    def push_back(self, stack: Stack) -> str:
        """Do the same with the previous release."""
        assert isinstance(stack, ReferenceStack), "it is installed as the reference platform"
        return stack.push_release(self.previous)


@dataclass(frozen=True)
class TreeReleases:
    """Of a maintainer's tree."""

    previous: GivenTree
    following: GivenTree

    def install(self, clusters: SecondaryClusters) -> Future[Site]:
        """Begin to install the previous release on the cluster for ``PURPOSE``."""
        return clusters.begin(PURPOSE, install_levels, given=self.previous)

    def files(self) -> Mapping[str, bytes]:
        """Return what is in the repository of the next release."""
        return self.following.files

    def push(self, stack: Stack) -> str:
        """Have the tracked branch hold the next release; return the hash of its last commit."""
        assert isinstance(stack, TreeStack), "it is installed from a tree"
        return stack.push_release(self.following)

    def push_back(self, stack: Stack) -> str:
        """Do the same with the previous release."""
        assert isinstance(stack, TreeStack), "it is installed from a tree"
        return stack.push_release(self.previous)
