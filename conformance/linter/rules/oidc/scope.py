"""A client may ask for the scope openid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.oidc.shared import SPEC

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule(
    "oidc.scope",
    "A client may ask for the scope openid",
    level=2,
    why="Without openid there is no ID token: the app does not learn who the user is, and shows "
    "an error after the login.",
    source=f"{SPEC}#AuthRequest",
    fix="Begin the scope with openid.",
    example="""
scope: openid profile email stackspin_roles
""",
)
def scope(app: AppPackage) -> Iterator[Problem]:
    """Yield each client for people that lacks it; one without any has Hydra's default."""
    for client in logins.clients(app):
        given = logins.scopes(client)
        if logins.for_people(client) and given and "openid" not in given:
            yield Problem(
                client.place("spec", "scope"),
                f"scope {quoted(' '.join(given))} has no openid: nobody can log in",
            )
