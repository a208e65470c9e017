"""The packages that a run is given: read as the linter reads them, without a cluster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from conformance.apps.package.description import description_of, read_description
from conformance.apps.package.model.description import Description
from conformance.common.errors import HarnessError
from conformance.linter import detection
from conformance.linter.app import AppPackage
from conformance.linter.deadline import TooLongError
from conformance.linter.elsewhere import ChartsElsewhere, Fetch
from conformance.linter.helm.rendering import Renderer
from conformance.linter.limits import Limits
from conformance.linter.reading.tree import Tree

_LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class GivenApp:
    """An app of a package."""

    root: Path
    """The package: what ``--app`` names."""
    tree: Tree
    """Its files."""
    app: AppPackage
    """What the linter made of them."""
    described_in: Path | None = None
    """``--app-description``; None: the package's own ``conformance.yaml``, if there is one."""
    names: tuple[str, ...] = ()
    """Names of all apps of the package."""

    @property
    def name(self) -> str:
        """The app's name; of one without, its path: as the linter calls it."""
        return self.app.name or self.app.path

    @cached_property
    def description_file(self) -> Path | None:
        """The file of ``description``; None: there is none."""
        return self._described[0]

    @cached_property
    def description(self) -> Description:
        """What is said of the app; of one that nobody described, nothing.

        Raises DescriptionError, also if it is for an app that the package does not have.
        """
        return self._described[1]

    @cached_property
    def _described(self) -> tuple[Path | None, Description]:
        if self.described_in is not None:
            return self.described_in, read_description(self.described_in)
        found = None
        if self.root.is_dir():
            found = description_of(self.root, self.app, self.names)
        return found or (None, Description())


def read_apps(
    path: Path, *, description: Path | None = None, fetch: Fetch | None = None
) -> list[GivenApp]:
    """Return the apps of a package; of one without any, something that cannot be installed.

    ``description`` is used instead of the package's own for the charts that are not in it, and
    ``fetch`` gets them from their own address. Raises HarnessError if there is nothing at ``path``,
    or reading it takes too long.
    """
    elsewhere = ChartsElsewhere(path, description=description, fetch=fetch)
    return read_tree(Tree.read(path), path, elsewhere)


def read_tree(tree: Tree, path: Path, elsewhere: ChartsElsewhere | None = None) -> list[GivenApp]:
    """Return the apps in the files of a package, as ``read_apps`` does."""
    try:
        with Renderer(_LIMITS) as renderer:
            found = list(detection.detect_in_time(tree, renderer, elsewhere, limits=_LIMITS))
    except TooLongError:
        raise HarnessError(
            f"reading {path} took longer than {_LIMITS.reading_seconds:g} s",
            "give a smaller folder",
        ) from None
    apps = [one for one in found if not one.rest and (one.written or one.charts)]
    apps = apps or [detection.nothing(tree)]
    names = tuple(one.name or one.path for one in apps)
    return [GivenApp(path, tree, one, names=names) for one in apps]


def by_name(apps: Iterable[GivenApp]) -> dict[str, GivenApp]:
    """Return the apps by their names, without those whose name others have, too.

    Raises HarnessError if none is left.
    """
    named: dict[str, list[GivenApp]] = {}
    for one in apps:
        named.setdefault(one.name, []).append(one)
    alone = {name: found[0] for name, found in named.items() if len(found) == 1}
    if named and not alone:
        name, found = next(iter(named.items()))
        places = " and in ".join(str(one.root / one.app.path) for one in found)
        raise HarnessError(
            f"{len(found)} apps are called {name}: in {places}",
            "give them to runs of their own, or give one another name",
        )
    return alone
