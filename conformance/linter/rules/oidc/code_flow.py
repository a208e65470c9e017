"""A client may use the authorization code flow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.code-flow", level=2)
def code_flow(app: AppPackage) -> Iterator[Problem]:
    """Yield each list that lacks it; Hydra's default is this flow."""
    for client in logins.clients(app):
        if not logins.for_people(client):
            continue
        for field, wanted in (("grantTypes", "authorization_code"), ("responseTypes", "code")):
            given = logins.strings(client, field)
            if given and wanted not in " ".join(given).split():
                yield Problem(
                    client.place("spec", field),
                    f"{field} has no {wanted}: nobody can log in",
                )
