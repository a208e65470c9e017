"""A client that has a secret must show it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem
from conformance.linter.rule import rule
from conformance.linter.rules.oidc.shared_secrets import SPEC

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule(
    "oidc.client-auth",
    "A client that has a secret must show it",
    level=2,
    why="With tokenEndpointAuthMethod none, Hydra does not ask for a secret: it refuses an app "
    "that sends one, and accepts anybody who knows the client id.",
    source=f"{SPEC}#ClientAuthentication",
    fix="Write client_secret_post, or client_secret_basic if the app uses that.",
    example="""
tokenEndpointAuthMethod: client_secret_post
""",
)
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
