"""A generated value cannot be guessed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import Path, sequence, text
from conformance.linter.findings import Problem, Severity, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.secrets.shared_generated import LENGTH, SHORTEST

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_SHORTEST_BYTES = 12


@rule("secrets.length", level=3, severity=Severity.WARNING)
def length(app: AppPackage) -> Iterator[Problem]:
    """Yield each field that is short."""
    for one in app.objects("StringSecret", "BasicAuth"):
        paths: list[Path] = [("spec",)]
        if one.kind == "StringSecret":
            paths = [
                ("spec", "fields", index)
                for index in range(len(sequence(one.get("spec", "fields"))))
            ]
        for path in paths:
            given = text(one.get(*path, "length"))
            if not LENGTH.fullmatch(given):
                continue
            in_bytes = given[-1] in "bB" or one.get(*path, "encoding") == "raw"
            if int(given.rstrip("bB")) < (_SHORTEST_BYTES if in_bytes else SHORTEST):
                yield Problem(
                    one.place(*path, "length"), f"length {quoted(given)} is short for a password"
                )
