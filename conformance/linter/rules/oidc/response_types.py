"""A client is answered with a code only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem, Severity, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.oidc.shared import BEST_PRACTICE

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule(
    "oidc.response-types",
    "A client is answered with a code only",
    level=2,
    severity=Severity.WARNING,
    why="token and id_token belong to the implicit grant. Without that grant they have no effect; "
    "with it, tokens are sent in the browser's address.",
    source=f"{BEST_PRACTICE}#section-2.1.2",
    fix="Leave only code in responseTypes.",
    example="""
responseTypes:
  - code
""",
)
def response_types(app: AppPackage) -> Iterator[Problem]:
    """Yield each other type beside ``code``."""
    for client, index, kind in logins.items(app, "responseTypes"):
        given = " ".join(logins.strings(client, "responseTypes")).split()
        if kind != "code" and "code" in given:
            yield Problem(
                client.place("spec", "responseTypes", index),
                f"response type {quoted(kind)} besides code: left over from the implicit grant",
            )
