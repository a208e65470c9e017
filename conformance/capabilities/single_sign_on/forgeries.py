"""What attackers send: forms of other sites, scripts in names, tokens that nobody signed."""

from __future__ import annotations

import base64
import html
import json
import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from joserfc import jws
from joserfc.jwk import RSAKey

from conformance.services.oidc import unsigned

if TYPE_CHECKING:
    from playwright.sync_api import Page as Window

    from conformance.services.oidc import RelyingParty
    from conformance.services.visitor import Visitor

OTHER_SITES = ("https://evil.example", "https://evil.{domain}")
"""Another site, whose forms come without cookies; and another app, whose forms come with them."""
SCRIPT = 'Bobby <script>window.ran = 1</script><img src=x onerror="window.ran = 1">'
"""A display name that leaves elements wherever it is not shown as the text that it is."""
WITHOUT_MARKUP = "Bobby"
"""The same as WordPress keeps it, which takes markup out of names."""
INJECTED = """() => [...document.querySelectorAll("script, img")].filter(element =>
    element.textContent === "window.ran = 1" || element.getAttribute("src") === "x"
).map(element => element.outerHTML)"""
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def values_of_form(window: Window) -> dict[str, str]:
    """Return what the form on a page would send, its token against forgery included."""
    found: dict[str, str] = window.evaluate(
        "() => Object.fromEntries(new FormData(document.querySelector('main form')))"
    )
    return {**found, "decision": "accept"}


def without_token(values: dict[str, str]) -> dict[str, str]:
    """Return what somebody else can know of a form: all but its token against forgery."""
    return {name: value for name, value in values.items() if "csrf" not in name}


def posts_from(visitor: Visitor, site: str, target: str, values: dict[str, str]) -> None:
    """Open a page of somebody else's site, whose script sends a form to ``target``.

    Returns when the answer is shown.
    """
    fields = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in values.items()
    )
    page = f"""<form method="post" action="{html.escape(target)}">{fields}</form>
        <script>document.forms[0].submit()</script>"""
    trap = f"{site}/trap"
    visitor.page.route(trap, lambda route: route.fulfill(body=page, content_type="text/html"))
    with visitor.page.expect_response(lambda answer: answer.request.method == "POST"):
        visitor.page.goto(trap, wait_until="commit")
    visitor.page.wait_for_load_state()


def injected(visitor: Visitor) -> list[str]:
    """Return the elements that a page made of ``SCRIPT``, whether its policy runs them or not."""
    return [str(element) for element in visitor.page.evaluate(INJECTED)]


def resigned(token: str) -> str:
    """Return the same token with another signature, which nobody's key has made."""
    header, payload, signature = token.split(".")
    return f"{header}.{payload}.{signature[::-1]}"


def self_signed(token: str) -> str:
    """Return the same token, signed with a key that it brings along itself (RFC 7515, 4.1.3).

    A provider that takes the key out of the token accepts what anybody has signed.
    """
    own = RSAKey.generate_key(2048)
    signed = jws.extract_compact(token.encode())
    header = {**signed.headers(), "alg": "RS256", "jwk": own.as_dict(private=False)}
    return jws.serialize_compact(header, signed.payload, own)


def unsigned_request_object(app: RelyingParty, redirect_uri: str) -> str:
    """Return a request object that nobody signed (OpenID Connect Core 1.0, section 6.1)."""
    claims = {
        "client_id": app.client.client_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
    }
    return _unsigned_claims(claims)


def unsigned_logout_token(issuer: str, client_id: str, subject: str) -> str:
    """Return what the provider would send an app when somebody logs out, without its signature.

    https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken
    """
    claims = {
        "iss": issuer,
        "aud": [client_id],
        "sub": subject,
        "iat": int(time.time()),
        "jti": secrets.token_hex(16),
        "events": {LOGOUT_EVENT: {}},
    }
    return _unsigned_claims(claims)


def _unsigned_claims(claims: Mapping[str, object]) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return unsigned(f".{payload}.")
