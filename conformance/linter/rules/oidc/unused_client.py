"""The app uses the client that is created for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.findings import Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.oidc.secret_name import secret_name

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.unused-client", level=2, severity=Severity.WARNING)
def unused_client(app: AppPackage) -> Iterator[Problem]:
    """Yield each client of which nothing knows."""
    if logins.misses_variable(app) or logins.mismatches(app) or any(secret_name(app)):
        return
    if any(release.values_missing for release in app.releases):
        return
    for client in logins.clients(app):
        if app.kustomizations and not logins.is_used(app, logins.credentials(app, client)):
            yield Problem(
                client.place("spec", "secretName"),
                f"nothing uses the id and secret of OAuth2Client {client.name}: the app has no "
                "single sign-on",
            )
