"""A client for users' logins cannot log in as itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.client-credentials", level=2, severity=Severity.WARNING)
def client_credentials(app: AppPackage) -> Iterator[Problem]:
    """Yield the grant ``client_credentials`` beside others."""
    for client, index, grant in logins.items(app, "grantTypes"):
        if grant == "client_credentials" and logins.for_people(client):
            yield Problem(
                client.place("spec", "grantTypes", index),
                'grant "client_credentials" in a client for users\' logins',
            )
