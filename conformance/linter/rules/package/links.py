"""What Flux applies are files, not symbolic links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Place, Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule(
    "package.links",
    "What Flux applies are files, not symbolic links",
    level=1,
    severity=Severity.NOTE,
    why="What a link leads to is judged here as if it were the file. Flux's source-controller "
    "leaves links out of what it hands on: a folder that needs one may not build in the cluster.",
    source="https://github.com/fluxcd/pkg/blob/main/artifact/storage/archive.go",
    fix="Name the file itself in the kustomization.yaml, or put a copy in the place of the link.",
    example="""
resources:
  - ../shared/release.yaml # not a link to it
""",
)
def links(app: AppPackage) -> Iterator[Problem]:
    """Yield each link among the files of the app's objects."""
    for file in app.linked if app.kustomizations else ():
        yield Problem(Place(file), "this file is a symbolic link, or lies behind one")
