"""A client may ask for the scope openid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.scope", level=2)
def scope(app: AppPackage) -> Iterator[Problem]:
    """Yield each client for people that lacks it; one without any has Hydra's default."""
    for client in logins.clients(app):
        given = logins.scopes(client)
        if logins.for_people(client) and given and "openid" not in given:
            yield Problem(
                client.place("spec", "scope"),
                f"scope {quoted(' '.join(given))} has no openid: nobody can log in",
            )
