"""Every app has its own client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import text
from conformance.linter.facts import logins
from conformance.linter.findings import Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.manifest import Manifest


@rule("oidc.one-client-each", level=2)
def one_client_each(app: AppPackage) -> Iterator[Problem]:
    """Yield each client that shares its Secret or id with another."""
    clients = logins.clients(app)
    other_clients = [one for one in app.neighbours if one.kind == "OAuth2Client"]
    for client in clients:
        for other in (*clients, *other_clients):
            # The same object in two files is one app in two clusters.
            apart = (other.namespace, other.name) != (client.namespace, client.name)
            same = other.get("spec", "secretName") == client.get("spec", "secretName")
            if apart and same and other.namespace == client.namespace:
                yield Problem(
                    client.place("spec", "secretName"),
                    f"OAuth2Client {client.name} has the same secretName as {other.name} "
                    f"({other.file}): they are one client in Hydra",
                )
        yield from _same_id(app, client, other_clients)


def _same_id(app: AppPackage, client: Manifest, others: list[Manifest]) -> Iterator[Problem]:
    maker = logins.maker_of(app, client)
    if maker is None:
        return
    mine = text(maker.get("spec", "data", "client_id"))
    used = {text(one.get("spec", "secretName")) for one in (*others, *logins.clients(app))}
    for other in (*app.neighbours, *app.written) if mine else ():
        if other.kind != "StringSecret" or other.name not in used:
            continue
        if other.name != maker.name and other.get("spec", "data", "client_id") == mine:
            yield Problem(
                maker.place("spec", "data", "client_id"),
                f"client_id {quoted(mine)} is also that of StringSecret {other.name} "
                f"({other.file}): they are one client in Hydra",
            )
