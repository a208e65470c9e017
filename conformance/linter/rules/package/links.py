"""What Flux applies are files, not symbolic links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Place, Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("package.links", level=1, severity=Severity.NOTE)
def links(app: AppPackage) -> Iterator[Problem]:
    """Yield each link among the files of the app's objects."""
    for file in app.linked if app.kustomizations else ():
        yield Problem(Place(file), "this file is a symbolic link, or lies behind one")
