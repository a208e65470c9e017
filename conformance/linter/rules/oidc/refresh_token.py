"""A client with offline access may refresh tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.refresh-token", level=2, severity=Severity.WARNING)
def refresh_token(app: AppPackage) -> Iterator[Problem]:
    """Yield each client with the scope and without the grant."""
    for client in logins.clients(app):
        grants = logins.strings(client, "grantTypes")
        offline = {"offline", "offline_access"} & set(logins.scopes(client))
        if offline and grants and "refresh_token" not in grants and logins.for_people(client):
            yield Problem(
                client.place("spec", "grantTypes"),
                f'scope "{min(offline)}" without the grant refresh_token: no such token is given',
            )
