"""A client is answered with a code only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem, Severity, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.response-types", level=2, severity=Severity.WARNING)
def response_types(app: AppPackage) -> Iterator[Problem]:
    """Yield each other type beside ``code``."""
    for client, index, kind in logins.items(app, "responseTypes"):
        given = " ".join(logins.strings(client, "responseTypes")).split()
        if kind != "code" and "code" in given:
            yield Problem(
                client.place("spec", "responseTypes", index),
                f"response type {quoted(kind)} besides code: left over from the implicit grant",
            )
