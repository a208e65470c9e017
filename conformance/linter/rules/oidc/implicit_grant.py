"""A client gets no token in the browser's address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem
from conformance.linter.rule import rule
from conformance.linter.rules.oidc.shared import BEST_PRACTICE

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule(
    "oidc.implicit-grant",
    "A client gets no token in the browser's address",
    level=2,
    why="With the grant implicit, tokens are part of an address: they end up in the browser's "
    "history and in logs, and whoever has one is logged in. Usually the grant is left over from a "
    "template; today's apps do not need it.",
    source=f"{BEST_PRACTICE}#section-2.1.2",
    fix="Remove implicit from grantTypes.",
    example="""
grantTypes:
  - authorization_code
  - refresh_token
""",
)
def implicit_grant(app: AppPackage) -> Iterator[Problem]:
    """Yield each grant ``implicit``."""
    for client, index, grant in logins.items(app, "grantTypes"):
        if grant == "implicit":
            yield Problem(
                client.place("spec", "grantTypes", index),
                'grant "implicit": tokens are sent in the browser\'s address',
            )
