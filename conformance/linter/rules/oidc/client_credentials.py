"""A client for users' logins cannot log in as itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.oidc.shared import BEST_PRACTICE

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule(
    "oidc.client-credentials",
    "A client for users' logins cannot log in as itself",
    level=2,
    severity=Severity.WARNING,
    why="With the grant client_credentials, the app's secret alone gets tokens, without a user "
    "who logs in. Few apps need it; usually it is left over from a template.",
    source=f"{BEST_PRACTICE}#section-2",
    fix="Remove client_credentials from grantTypes, unless the app itself uses an API.",
    example="""
grantTypes:
  - authorization_code
  - refresh_token
""",
)
def client_credentials(app: AppPackage) -> Iterator[Problem]:
    """Yield the grant ``client_credentials`` beside others."""
    for client, index, grant in logins.items(app, "grantTypes"):
        if grant == "client_credentials" and logins.for_people(client):
            yield Problem(
                client.place("spec", "grantTypes", index),
                'grant "client_credentials" in a client for users\' logins',
            )
