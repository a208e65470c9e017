"""A client may ask for users' roles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem, Severity, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.roles-scope", level=2, severity=Severity.WARNING)
def roles_scope(app: AppPackage) -> Iterator[Problem]:
    """Yield each client for people without it."""
    for client in logins.clients(app):
        given = logins.scopes(client)
        if "openid" in given and "stackspin_roles" not in given:
            yield Problem(
                client.place("spec", "scope"),
                f"scope {quoted(' '.join(given))} has no stackspin_roles: the app cannot know who "
                "is its administrator",
            )
