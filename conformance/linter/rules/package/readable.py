"""Every file can be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("package.readable", level=1)
def readable(app: AppPackage) -> Iterator[Problem]:
    """Yield what was wrong with the files."""
    yield from app.problems
