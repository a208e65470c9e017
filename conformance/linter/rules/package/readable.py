"""Every file can be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule(
    "package.readable",
    "Every file can be read",
    level=1,
    why="Flux and Helm stop at the first file that they cannot read: because of one missing "
    "space, nothing of the app is installed or updated.",
    source="https://yaml.org/spec/1.2.2/",
    fix="Correct the file at the given line; an editor with YAML support shows the same error.",
    example="""
metadata:
  name: notes           # two spaces deeper than "metadata", a space after each colon
  labels:
    title: "a: quoted"  # text with a colon in quotes
""",
)
def readable(app: AppPackage) -> Iterator[Problem]:
    """Yield what was wrong with the files."""
    yield from app.problems
