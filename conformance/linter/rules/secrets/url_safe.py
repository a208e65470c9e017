"""A password in an address has no characters that end it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, sequence
from conformance.linter.facts.configuration import Lines
from conformance.linter.findings import Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_IN_ADDRESS = r"\w://[^\s/@:]*:[^\s/@]*\$\{{{}\b"


@rule("secrets.url-safe", level=3)
def url_safe(app: AppPackage) -> Iterator[Problem]:
    """Yield each use of a password in base64 as a part of an address."""
    lines = Lines(app)
    for kustomization in app.kustomizations:
        unsafe = {
            name
            for source in kustomization.sources
            for name in source.variables
            if _is_base64(app, source.name, name)
        }
        for use in kustomization.uses:
            line = lines.at(use.place.file, use.place.line)
            if use.name in unsafe and re.search(_IN_ADDRESS.format(re.escape(use.name)), line):
                yield Problem(
                    use.place,
                    f"${{{use.name}}} is generated as base64, and stands in an address: its /, + or"
                    " = end the password there",
                )


def _is_base64(app: AppPackage, source: str, name: str) -> bool:
    """Return whether a StringSecret generates a variable with characters that addresses end at."""
    for one in app.everything():
        if one.kind == "StringSecret" and f"Secret {one.name}" == source:
            for field in sequence(one.get("spec", "fields")):
                if get(field, "fieldName") == name:
                    return (get(field, "encoding") or "base64") in ("base64", "raw")
    return False
