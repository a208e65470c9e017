"""What an app may say in its request for a login, beside what it must.

OpenID Connect Core 1.0: sections 3.1.2.1, 5.5, 6 and 15.1.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conformance.capabilities.single_sign_on.addresses import parameter
from conformance.capabilities.single_sign_on.forgeries import unsigned_request_object
from conformance.services.login_pages import shown
from conformance.services.oidc import SCOPE
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.services.login_pages import LoginClient
    from conformance.services.oidc import RelyingParty

WISHES = {
    "acr_values": "urn:example:silver urn:example:gold",
    "claims": json.dumps({"id_token": {"email": {"essential": True}}}),
    "claims_locales": "de fr",
    "display": "popup",
    "login_hint": "somebody@example.org",
    "nonce": "",
    "scope": " ".join(reversed(SCOPE.split())),
    "ui_locales": "de fr",
    "unknown_extension": "foobar",
}
"""What a provider may fulfil or not, and must not stumble over. An empty parameter counts as one
that is not there (RFC 6749, section 3.1)."""


@check(
    "single_sign_on.wishes_do_no_harm",
    promise="A login succeeds whatever language, display, claims or level of authentication an app "
    "asks for.",
)
def test_wishes_do_no_harm(login_client: LoginClient, relying_party: RelyingParty) -> None:
    token = login_client.authorize(relying_party).tokens().id_token
    for name, value in WISHES.items():
        attempt = relying_party.attempt(**{name: value})
        answer = login_client.authorize(relying_party, attempt)
        assert not answer.error(), f"with {name}: {answer.error()}"
        assert answer.page.status == 0, f"with {name}: {shown(answer.page)}"
        claims = relying_party.verified(answer.tokens().id_token, attempt.nonce or None)
        assert claims["sub"] == login_client.user.id
    hinted = relying_party.attempt(prompt="none", id_token_hint=token)
    answer = login_client.authorize(relying_party, hinted)
    assert not answer.error(), f"with an id_token of the same user: {answer.error()}"
    answer.code()


@check(
    "single_sign_on.request_object",
    promise="A request object that is unsigned, or has to be fetched, sends no code to a wrong "
    "address.",
)
def test_request_object(login_client: LoginClient, relying_party: RelyingParty) -> None:
    right = relying_party.client.redirect_uri
    for address in (right, f"{right}/elsewhere"):
        given = unsigned_request_object(relying_party, address)
        page = login_client.walk(relying_party.attempt(request=given).url, address)
        assert address == right or page.status, f"the object has a code sent to {page.url}"
        assert page.status < 500, shown(page)
    fetched = relying_party.attempt(request_uri=f"{right}/request").url
    page = login_client.walk(fetched, right)
    assert not parameter(page.url, "code"), "a request that is to be fetched gets a code"
    assert page.status < 500, shown(page)
