"""The client's secretName is the Secret that the package creates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import text
from conformance.linter.facts import logins
from conformance.linter.findings import Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.secret-name", level=2)
def secret_name(app: AppPackage) -> Iterator[Problem]:
    """Yield each client whose Secret is elsewhere, or called otherwise."""
    clients = logins.clients(app)
    named = {text(one.get("spec", "secretName")) for one in clients}
    for client in clients:
        name = text(client.get("spec", "secretName"))
        if not name or logins.maker_of(app, client) is not None:
            continue
        same = [one for one in logins.makers(app) if one.name == name]
        free = [
            one
            for one in logins.makers(app)
            if "client_secret" in logins.keys_of(one) and one.name not in named
        ]
        if same:
            yield Problem(
                client.place("metadata", "namespace"),
                f"secretName {quoted(name)} is expected in namespace {client.namespace}, but "
                f"{same[0].kind} {name} is in {same[0].namespace}",
            )
        elif len(free) == 1 and logins.same_namespace(free[0], client):
            yield Problem(
                client.place("spec", "secretName"),
                f"nothing creates the Secret {quoted(name)}, but {free[0].kind} {free[0].name} has "
                "a client_secret but no client",
            )
