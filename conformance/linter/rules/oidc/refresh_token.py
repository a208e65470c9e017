"""A client with offline access may refresh tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule(
    "oidc.refresh-token",
    "A client with offline access may refresh tokens",
    level=2,
    severity=Severity.WARNING,
    why="The scope offline_access asks for a refresh token, which Hydra gives only to a client "
    "with the grant refresh_token. Without it users are logged out after an hour.",
    source="https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess",
    fix="Add refresh_token to grantTypes.",
    example="""
grantTypes: [authorization_code, refresh_token]
scope: openid profile email stackspin_roles offline_access
""",
)
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
