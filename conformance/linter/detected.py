"""The apps that are to be judged, in the order in which they are read.

Imported while Helm starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.linter import detection
from conformance.linter.app import AppPackage
from conformance.linter.changed import touched
from conformance.linter.elsewhere import ChartsElsewhere
from conformance.linter.helm.rendering import Renderer
from conformance.linter.reading.tree import Tree
from conformance.linter.request import Request


@dataclass(frozen=True)
class Found:
    """An app, and what else must be known of it."""

    app: AppPackage
    remark: str = ""

    def once_judged(self) -> Found:
        """Return it without what nobody looks at any more."""
        return self if self.app.previous else replace(self, app=self.app.without_rendered())


def no_app(tree: Tree) -> Found:
    """Return what stands for a tree of which no app could be read."""
    return Found(detection.nothing(tree))


def apps(tree: Tree, request: Request, renderer: Renderer) -> Iterator[Found]:
    """Yield the apps that are to be judged, each with its charts rendered only then."""

    def under(path: Path, tree: Tree) -> Iterator[AppPackage]:
        own = ChartsElsewhere(path, request.limits, request.description, request.fetch)
        detected = detection.detect_in_time(
            tree, renderer, own, values=request.values, limits=request.limits
        )
        first = next(detected, None)
        yield detection.nothing(tree) if first is None else first
        del first  # the next one needs the memory
        yield from detected

    found = (
        replace(app, versions=request.versions)
        for app in under(request.path, tree)
        if request.changed is None or touched(app, request.changed)
    )
    if request.previous is None:
        yield from map(Found, found)
    else:
        previous = Tree.read(request.previous, request.limits)
        yield from _compared(list(found), list(under(request.previous, previous)))


def _compared(apps: list[AppPackage], before: list[AppPackage]) -> list[Found]:
    """Give each app the one of the same name in the earlier version; a single one, the single."""
    before = [app for app in before if not app.rest]
    names = {app.name: app for app in before}
    alone = before[0] if sum(not app.rest for app in apps) == len(before) == 1 else None
    found = [Found(app) for app in apps if app.rest]
    for app in apps[: len(apps) - len(found)]:
        previous = names.get(app.name, alone)
        remark = "" if previous else "not in the previous version: nothing to compare with"
        found.append(Found(replace(app, previous=previous), remark))
    return found
