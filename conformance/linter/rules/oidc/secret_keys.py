"""The client's Secret has client_id and client_secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem
from conformance.linter.rule import rule
from conformance.linter.rules.oidc.shared_secrets import MAESTER

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule(
    "oidc.secret-keys",
    "The client's Secret has client_id and client_secret",
    level=2,
    why="Hydra Maester registers the client with exactly these two keys. If one is missing, it "
    "registers nothing, and the login page says that the client is unknown.",
    source=MAESTER,
    fix="Give the StringSecret client_id under data, and a field client_secret.",
    example="""
kind: StringSecret
spec:
  data:
    client_id: notes
  fields:
    - fieldName: client_secret
      encoding: hex
      length: "32"
""",
)
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
