"""Where Hydra sends people: back to the app, exactly, by https, on its own domain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import sequence, text
from conformance.linter.facts import logins
from conformance.linter.facts.configuration import Lines
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.flux import platform
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage

_HYDRA = "https://www.ory.sh/docs/hydra/reference/api#tag/oAuth2/operation/createOAuth2Client"
_BEST_PRACTICE = "https://www.rfc-editor.org/rfc/rfc9700"
_LOCAL = re.compile(r"localhost|127\.[\d.]+|0\.0\.0\.0|\[?::1\]?")


@rule(
    "oidc.redirect-uri",
    "Redirect URIs exist, are exact, and use https",
    level=2,
    why="Hydra sends users back to exactly these addresses, with a code that logs them in. "
    "Without one, nobody gets back to the app; with * or http, somebody else can get the code.",
    source=f"{_BEST_PRACTICE}#section-2.1",
    fix="Write the app's callback address in full: https, the app's domain, its path.",
    example="""
redirectUris:
  - https://${notes_domain}/oidc/callback
""",
)
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


@rule(
    "oidc.redirect-domain",
    "Redirect URIs are in the app's own domain",
    level=2,
    why="Every Stackspin has its own domain. With another domain, users who log in are sent "
    "elsewhere, to another app or to a stranger, together with the code that logs them in.",
    source="Stackspin",
    fix="Use the variable of the app's domain: https://${APP_domain}/...",
    example="""
redirectUris:
  - https://${notes_domain}/oidc/callback
""",
)
def redirect_domain(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each redirect URI on another host than the app's."""
    lines, own = Lines(app), logins.own_hosts(app)
    flux = bool(app.kustomizations or app.releases)
    for client, index, uri in logins.items(app, "redirectUris"):
        parts = logins.url_of(uri)
        place = client.place("spec", "redirectUris", index)
        if parts is None or parts.scheme.lower() != "https" or not parts.hostname:
            continue
        if "*" in uri or _is_own(parts.hostname, own) or lines.undefined(place):
            continue
        under = _is_own(parts.hostname, {platform.DOMAIN})
        if _LOCAL.fullmatch(parts.hostname) or own or (flux and not under):
            known = f"the app is at {', '.join(sorted(own)[:3])}" if own else "domains differ"
            yield Problem(
                place,
                f"redirect URI {quoted(uri)} is on another host than the app ({known})",
            )
        elif not all(one.complete for one in app.installations):
            yield NotRun("the app's host name is not known: its chart is not in the package")


def _is_own(host: str, own: set[str]) -> bool:
    host = host.lower()
    return any(host == one or host.endswith(f".{one}") for one in own)


@rule(
    "oidc.post-logout-uri",
    "After logout users return to the app",
    level=2,
    why="Hydra registers a client only if each post-logout address has the scheme, host and port "
    "of one of its redirect URIs. Otherwise it refuses the client, and nobody can log in.",
    source=_HYDRA,
    fix="Use the host of the redirect URI: https://${APP_domain}/",
    example="""
redirectUris:
  - https://${notes_domain}/oidc/callback
postLogoutRedirectUris:
  - https://${notes_domain}/
""",
)
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


@rule(
    "oidc.logout-uri",
    "Hydra notifies the app itself of a logout",
    level=2,
    severity=Severity.WARNING,
    why="Hydra calls this address when a user logs out of Stackspin. If it is another app's "
    "address, the session in this app stays open.",
    source="https://openid.net/specs/openid-connect-backchannel-1_0.html",
    fix="Use the app's own address: https://${APP_domain}/...",
    example="""
backChannelLogoutURI: https://${notes_domain}/oidc/backchannel-logout
""",
)
def logout_uri(app: AppPackage) -> Iterator[Problem]:
    """Yield each logout address that is not the app's; in the cluster http may be used."""
    lines, own = Lines(app), logins.own_hosts(app)
    for client in logins.clients(app):
        for field in ("backChannelLogoutURI", "frontChannelLogoutURI"):
            uri = text(client.get("spec", field))
            parts, place = logins.url_of(uri), client.place("spec", field)
            host = (parts.hostname or "") if parts else ""
            inside = field.startswith("back") and ("." not in host or ".svc" in host)
            if not host or lines.undefined(place) or (inside and not _LOCAL.fullmatch(host)):
                continue
            if own and not _is_own(host, own):
                yield Problem(place, f"{field} {quoted(uri)} is on another host than the app")
            elif parts and parts.scheme.lower() == "http":
                yield Problem(place, f"{field} {quoted(uri)} is not https")
