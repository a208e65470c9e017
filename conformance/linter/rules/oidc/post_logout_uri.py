"""After logout users return to the app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.facts.configuration import Lines
from conformance.linter.findings import Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.post-logout-uri", level=2)
def post_logout_uri(app: AppPackage) -> Iterator[Problem]:
    """Yield each post-logout address that fits no redirect URI."""
    lines = Lines(app)
    for client, index, uri in logins.items(app, "postLogoutRedirectUris"):
        origins = {_origin(one) for one in logins.strings(client, "redirectUris")}
        place = client.place("spec", "postLogoutRedirectUris", index)
        if origins and _origin(uri) not in origins and not lines.undefined(place):
            yield Problem(
                place,
                f"post-logout address {quoted(uri)} does not match the scheme and host of any "
                "redirect URI: Hydra refuses the client",
            )


def _origin(uri: str) -> tuple[str, str, int | None]:
    parts = logins.url_of(uri)
    if parts is None:
        return "", "", None
    return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port
