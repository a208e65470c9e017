"""What apps learn from the provider, and for how long."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conformance.capabilities.single_sign_on.claims import (
    ROUNDING,
    claims_told,
    in_words,
    lifetimes_of,
    misleads,
    out_of_bounds,
)
from conformance.capabilities.single_sign_on.expectations import (
    PRIVATE_PARTS,
    refused,
)
from conformance.capabilities.single_sign_on.login_services import SHORT
from conformance.capabilities.single_sign_on.refreshes import loses_answer, refreshes_again
from conformance.services.oidc import Provider, RelyingParty
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.report.evidence import EvidenceBox
    from conformance.services.login_pages import LoginClient
    from conformance.services.oidc import RelyingParty
    from conformance.suite.accounts import Accounts


@check(
    "single_sign_on.discovery",
    promise="The issuer's discovery document gives an app the endpoints, features and keys.",
)
def test_discovery(accounts: Accounts) -> None:
    issuer = accounts.issuer
    provider = Provider(accounts.http(), issuer)
    metadata = provider.metadata
    assert metadata["issuer"] == issuer, f"the issuer is {metadata['issuer']}, not {issuer}"
    for name in ("authorization", "token", "userinfo", "end_session"):
        assert metadata[f"{name}_endpoint"].startswith(issuer)
    assert "code" in metadata["response_types_supported"]
    assert "S256" in metadata["code_challenge_methods_supported"]
    assert "none" not in metadata["id_token_signing_alg_values_supported"]
    assert metadata["backchannel_logout_supported"]
    keys = provider.keys()["keys"]
    assert keys, "the provider publishes no key"
    assert not [key["kid"] for key in keys if PRIVATE_PARTS & set(key)], "a private key is public"


@check(
    "single_sign_on.id_token",
    promise="An id_token is signed and says who logged in, to which app, and for how long.",
)
def test_id_token(login_client: LoginClient, relying_party: RelyingParty) -> None:
    answer = login_client.authorize(relying_party, relying_party.attempt())
    token = answer.tokens().id_token
    claims = relying_party.verified(token, answer.attempt.nonce)
    user = login_client.user
    assert claims["sub"] == user.id
    assert claims["aud"] == [relying_party.client.client_id]
    assert claims["email"] == claims["preferred_username"] == user.email
    assert claims["name"] == user.name
    assert claims["stackspin_roles"] == ["user"]
    assert claims["exp"] > claims["iat"], "an id_token is issued that has expired"


@check(
    "single_sign_on.userinfo",
    promise="An app gets the user's details from userinfo with its access token, and only with it.",
)
def test_userinfo(login_client: LoginClient, relying_party: RelyingParty) -> None:
    answer = login_client.authorize(relying_party)
    tokens = answer.tokens()
    claims = relying_party.verified(tokens.id_token, answer.attempt.nonce)
    userinfo = relying_party.userinfo(tokens.access_token)
    for name in ("sub", "email", "name", "preferred_username", "stackspin_roles"):
        assert userinfo[name] == claims[name]
    with refused("userinfo with a token that is not an access token", "request_unauthorized"):
        relying_party.userinfo(tokens.id_token)


@check(
    "single_sign_on.claims_of_this_app_alone",
    promise="An app learns a user's role in this app, and nothing of the user's other apps.",
)
def test_claims_of_this_app_alone(
    accounts: Accounts, relying_party: RelyingParty, other_app: RelyingParty
) -> None:
    this, other = relying_party.client.client_id, other_app.client.client_id
    ruth = accounts.login_client(accounts.user("ruth", may_use={this: "user", other: "admin"}))
    ruth.authorize(other_app).code()
    for where, claims in claims_told(ruth, relying_party).items():
        roles = claims["stackspin_roles"]
        assert roles == ["user"], f"{where} of a user of this app, who is admin of another: {roles}"
        assert other not in json.dumps(claims), f"{where} names another app: {claims}"


@check(
    "single_sign_on.email_verified_truthfully",
    promise="An app is told that an address is verified only if the user has proved that it is "
    "theirs.",
)
def test_email_verified_truthfully(accounts: Accounts, relying_party: RelyingParty) -> None:
    for held, is_verified in {"unverified": False, "verified": True}.items():
        user = accounts.user(held, verified=is_verified)
        for where, claims in claims_told(accounts.login_client(user), relying_party).items():
            said = f"{where} says of an address that is {held}: {claims.get('email_verified')}"
            assert not misleads(claims, verified=is_verified), said


@check(
    "single_sign_on.lifetimes_within_bounds",
    promise="Tokens and sessions expire within the times that the platform's description states.",
)
def test_lifetimes_within_bounds(
    accounts: Accounts, relying_party: RelyingParty, evidence: EvidenceBox
) -> None:
    lena = accounts.login_client(accounts.user("lena"))
    seconds = lifetimes_of(accounts, lena, relying_party)
    evidence.note(", ".join(f"{name}: {in_words(each)}" for name, each in seconds.items()))
    bounds = accounts.clients.platform.single_sign_on.lifetimes
    assert not (faults := out_of_bounds(seconds, bounds)), "; ".join(faults)


@check(
    "single_sign_on.refresh_rotates",
    promise="A refresh token works once; if it is used again, all tokens of the login end.",
)
def test_refresh_rotates(
    login_client: LoginClient, relying_party: RelyingParty, accounts: Accounts
) -> None:
    first = login_client.authorize(relying_party).tokens()
    second = relying_party.refresh(first)
    assert second.refresh_token != first.refresh_token, "the refresh token stays the same"
    assert second.access_token != first.access_token
    assert relying_party.verified(second.id_token, None)["sub"] == login_client.user.id
    grace = accounts.clients.platform.single_sign_on.refresh_grace
    ended = accounts.hydra.expires(first.refresh_token, within=grace + ROUNDING)
    assert ended, f"a used refresh token is valid for more than {grace} s"
    with refused("a used refresh token", "invalid_grant"):
        relying_party.refresh(first)
    with refused("the successor of a reused refresh token", "invalid_grant"):
        relying_party.refresh(second)
    assert not accounts.hydra.is_active(second.access_token), "its access token is still valid"


@check(
    "single_sign_on.lost_refresh_answer",
    promise="An app that lost the answer to a refresh can repeat the refresh only if the "
    "platform's description says so; its user needs no password to go on.",
)
def test_lost_refresh_answer(
    accounts: Accounts, relying_party: RelyingParty, evidence: EvidenceBox
) -> None:
    nell = accounts.login_client(accounts.user("nell"))
    tokens = nell.authorize(relying_party).tokens()
    loses_answer(relying_party, tokens)
    again = refreshes_again(relying_party, tokens)
    found = f"a refresh that is sent again is {'answered' if again else 'refused'}"
    evidence.note(found)
    grace = accounts.clients.platform.single_sign_on.refresh_grace
    assert bool(again) == bool(grace), f"{found}; refresh_grace of the platform is {grace} s"
    if again:
        assert relying_party.userinfo(again.access_token)["sub"] == nell.user.id
        assert relying_party.refresh(again).access_token
    nell.authorize(relying_party).code()
    assert nell.asked == ["password", "consent"], f"nell was asked for {nell.asked}"


@check(
    "single_sign_on.access_token_expires",
    promise="An expired access token is refused, and the refresh token gets a new one.",
)
def test_access_token_expires(accounts: Accounts) -> None:
    name = "authorization_code_grant_access_token_lifespan"
    app = accounts.app("brief", tokenLifespans={name: SHORT})
    tokens = accounts.login_client(accounts.user("ivan")).authorize(app).tokens()
    assert accounts.hydra.expires(tokens.access_token, within=10.0), (
        "an expired token is still valid"
    )
    with refused("an expired access token", "invalid_token", "request_unauthorized"):
        app.userinfo(tokens.access_token)
    assert app.userinfo(app.refresh(tokens).access_token)["sub"]
