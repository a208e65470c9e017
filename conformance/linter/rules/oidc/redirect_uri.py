"""Redirect URIs exist, are exact, and use https."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import sequence
from conformance.linter.facts import logins
from conformance.linter.findings import Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.redirect-uri", level=2)
def redirect_uri(app: AppPackage) -> Iterator[Problem]:
    """Yield each client without one, and each that is not exact."""
    for client in logins.clients(app):
        if not logins.for_people(client):
            continue
        uris = sequence(client.get("spec", "redirectUris"))
        if not uris:
            yield Problem(
                client.place("spec", "redirectUris"),
                "the client has no redirectUris: Hydra refuses every login",
            )
        for index, uri in enumerate(uris):
            trouble = _trouble(uri) if isinstance(uri, str) else ""
            if trouble:
                yield Problem(
                    client.place("spec", "redirectUris", index),
                    f"redirect URI {quoted(uri)} {trouble}",
                )


def _trouble(uri: str) -> str:
    """Return what is wrong with a redirect URI; apps on phones have schemes of their own."""
    parts = logins.url_of(uri)
    scheme = parts.scheme.lower() if parts else ""
    checks = {
        "is not an address: it must begin with https:// and be complete": not scheme,
        "contains a space or a comma: write each address as a separate item": re.search(
            r"[\s,;]", uri.strip()
        ),
        "has a *: Hydra takes it literally, so no address matches": "*" in uri,
        "has a fragment (#), which Hydra refuses": "#" in uri,
        "is not https: anybody on the network can read the code that logs users in": scheme
        == "http",
        "has no host name": scheme == "https" and parts and not parts.netloc,
    }
    return next((words for words, wrong in checks.items() if wrong), "")
