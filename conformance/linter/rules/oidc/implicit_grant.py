"""A client gets no token in the browser's address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.implicit-grant", level=2)
def implicit_grant(app: AppPackage) -> Iterator[Problem]:
    """Yield each grant ``implicit``."""
    for client, index, grant in logins.items(app, "grantTypes"):
        if grant == "implicit":
            yield Problem(
                client.place("spec", "grantTypes", index),
                'grant "implicit": tokens are sent in the browser\'s address',
            )
