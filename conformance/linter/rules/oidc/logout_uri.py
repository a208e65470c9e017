"""Hydra notifies the app itself of a logout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import text
from conformance.linter.facts import logins
from conformance.linter.facts.configuration import Lines
from conformance.linter.findings import Problem, Severity, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.oidc.shared_addresses import LOCAL, is_own

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.logout-uri", level=2, severity=Severity.WARNING)
def logout_uri(app: AppPackage) -> Iterator[Problem]:
    """Yield each logout address that is not the app's; in the cluster http may be used."""
    lines, own = Lines(app), logins.own_hosts(app)
    for client in logins.clients(app):
        for field in ("backChannelLogoutURI", "frontChannelLogoutURI"):
            uri = text(client.get("spec", field))
            parts, place = logins.url_of(uri), client.place("spec", field)
            host = (parts.hostname or "") if parts else ""
            inside = field.startswith("back") and ("." not in host or ".svc" in host)
            if not host or lines.undefined(place) or (inside and not LOCAL.fullmatch(host)):
                continue
            if own and not is_own(host, own):
                yield Problem(place, f"{field} {quoted(uri)} is on another host than the app")
            elif parts and parts.scheme.lower() == "http":
                yield Problem(place, f"{field} {quoted(uri)} is not https")
