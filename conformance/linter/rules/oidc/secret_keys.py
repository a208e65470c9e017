"""The client's Secret has client_id and client_secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.secret-keys", level=2)
def secret_keys(app: AppPackage) -> Iterator[Problem]:
    """Yield each key that the Secret of a client lacks."""
    for client in logins.clients(app):
        maker = logins.maker_of(app, client)
        if maker is None:
            continue
        keys = logins.keys_of(maker)
        for key in ("client_id", "client_secret") if keys else ():
            if key not in keys:
                where = ("spec",) if maker.kind == "StringSecret" else ("data",)
                yield Problem(
                    maker.place(*where),
                    f"{maker.kind} {maker.name} has no {key}, which OAuth2Client {client.name} "
                    "needs",
                )
