"""Free text is in quotes where a variable puts it into YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.facts.configuration import Lines
from conformance.linter.findings import Problem, Severity
from conformance.linter.flux import platform
from conformance.linter.rule import rule

_UNQUOTED = re.compile(r"\s*(?:- )*[\w.\"'/-]+:\s+([^\s\"'|>{\[&!].*)")
"""A key with a plain value."""


@rule("variable.quoted", level=2, severity=Severity.WARNING)
def in_quotes(app: AppPackage) -> Iterator[Problem]:
    """Yield each line of YAML that a name that people chose stands in without quotes."""
    lines = Lines(app)
    for kustomization in app.kustomizations:
        for use in kustomization.uses if kustomization.substitutes else ():
            bare = _UNQUOTED.match(lines.at(use.place.file, use.place.line))
            if use.name in platform.FREE_TEXT and bare and f"${{{use.name}" in bare[1]:
                yield Problem(use.place, f"${{{use.name}}} is free text, and stands without quotes")
