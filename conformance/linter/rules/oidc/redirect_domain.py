"""Redirect URIs are in the app's own domain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.facts.configuration import Lines
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.flux import platform
from conformance.linter.rule import rule
from conformance.linter.rules.oidc.shared_addresses import LOCAL, is_own

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.redirect-domain", level=2)
def redirect_domain(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each redirect URI on another host than the app's."""
    lines, own = Lines(app), logins.own_hosts(app)
    flux = bool(app.kustomizations or app.releases)
    for client, index, uri in logins.items(app, "redirectUris"):
        parts = logins.url_of(uri)
        place = client.place("spec", "redirectUris", index)
        if parts is None or parts.scheme.lower() != "https" or not parts.hostname:
            continue
        if "*" in uri or is_own(parts.hostname, own) or lines.undefined(place):
            continue
        under = is_own(parts.hostname, {platform.DOMAIN})
        if LOCAL.fullmatch(parts.hostname) or own or (flux and not under):
            known = f"the app is at {', '.join(sorted(own)[:3])}" if own else "domains differ"
            yield Problem(
                place,
                f"redirect URI {quoted(uri)} is on another host than the app ({known})",
            )
        elif not all(one.complete for one in app.installations):
            yield NotRun("the app's host name is not known: its chart is not in the package")
