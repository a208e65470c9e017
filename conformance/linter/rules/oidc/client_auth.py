"""A client that has a secret must show it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.client-auth", level=2)
def client_auth(app: AppPackage) -> Iterator[Problem]:
    """Yield each public client for which a secret is made."""
    for client in logins.clients(app):
        maker = logins.maker_of(app, client)
        secret = maker is not None and "client_secret" in logins.keys_of(maker)
        if client.get("spec", "tokenEndpointAuthMethod") == "none" and secret:
            yield Problem(
                client.place("spec", "tokenEndpointAuthMethod"),
                "tokenEndpointAuthMethod is none, but the client has a secret: Hydra refuses an "
                "app that sends it",
            )
