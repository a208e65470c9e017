"""What operators do: register an app, change it, replace its secret."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.capabilities.single_sign_on.expectations import (
    refused,
)
from conformance.services.oidc import RelyingParty
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.services.oidc import RelyingParty
    from conformance.suite.accounts import Accounts


@check(
    "single_sign_on.client_created_changed_deleted",
    promise="A client at the provider is created, changed and deleted with its OAuth2Client.",
)
def test_client_created_changed_deleted(accounts: Accounts) -> None:
    app = accounts.app("dora")
    login_client = accounts.login_client(accounts.user("dora"))
    login_client.authorize(app).tokens()
    moved = app.client.redirect_uri.replace("/callback", "/elsewhere")
    accounts.change_app(app, redirectUris=[moved])
    answer = login_client.authorize(app)
    assert answer.error() == "invalid_request", "the old redirect URI is still accepted"
    app = RelyingParty(accounts.http(), accounts.provider, replace(app.client, redirect_uri=moved))
    login_client.authorize(app).tokens()
    accounts.remove_app(app)
    assert accounts.hydra.client(app.client.client_id) is None, "the client is still registered"
    assert login_client.authorize(app).error() == "invalid_client"


@check(
    "single_sign_on.wrong_client_explained",
    promise="An OAuth2Client that cannot be registered says why in its status.",
)
def test_wrong_client_explained(accounts: Accounts) -> None:
    address = f"https://wrong.{accounts.domain}/callback#part"
    why = accounts.refused_app("wrong", redirectUris=[address])
    assert "fragment" in why.lower(), f"the status says: {why}"


@check(
    "single_sign_on.client_secret_rotated",
    promise="A new client secret replaces the old one without any manual step.",
)
def test_client_secret_rotated(accounts: Accounts) -> None:
    app = accounts.app("rota")
    login_client = accounts.login_client(accounts.user("rota"))
    before = login_client.authorize(app).tokens()
    rotated = accounts.rotate_secret(app)
    with refused("the old client secret", "invalid_client"):
        app.refresh(before)
    answer = login_client.authorize(rotated)
    assert rotated.verified(answer.tokens().id_token, answer.attempt.nonce)
    assert login_client.asked == ["password", "consent"], "users are asked to log in again"
