"""Stackspin knows every scope of the client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem, Severity, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_SCOPES = frozenset(
    {"openid", "profile", "email", "address", "phone", "groups", "stackspin_roles",
     "offline", "offline_access"}
)  # fmt: skip


@rule("oidc.known-scope", level=2, severity=Severity.NOTE)
def known_scope(app: AppPackage) -> Iterator[Problem]:
    """Yield each scope that nobody knows."""
    for client in logins.clients(app):
        for one in dict.fromkeys(logins.scopes(client)):
            if one not in _SCOPES and logins.for_people(client):
                yield Problem(
                    client.place("spec", "scope"), f"scope {quoted(one)} is not one of Stackspin's"
                )
