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
    from conformance.suite.parties import Parties


@check(
    "single_sign_on.client_created_changed_deleted",
    promise="A client at the provider is created, changed and deleted with its OAuth2Client.",
)
def test_client_created_changed_deleted(parties: Parties) -> None:
    app = parties.app("dora")
    walker = parties.walker(parties.person("dora"))
    walker.authorize(app).tokens()
    moved = app.client.redirect_uri.replace("/callback", "/elsewhere")
    parties.change_app(app, redirectUris=[moved])
    answer = walker.authorize(app)
    assert answer.error() == "invalid_request", "the old redirect URI is still accepted"
    app = RelyingParty(parties.http(), parties.provider, replace(app.client, redirect_uri=moved))
    walker.authorize(app).tokens()
    parties.remove_app(app)
    assert parties.hydra.client(app.client.client_id) is None, "the client is still registered"
    assert walker.authorize(app).error() == "invalid_client"


@check(
    "single_sign_on.wrong_client_explained",
    promise="An OAuth2Client that cannot be registered says why in its status.",
)
def test_wrong_client_explained(parties: Parties) -> None:
    address = f"https://wrong.{parties.domain}/callback#part"
    why = parties.refused_app("wrong", redirectUris=[address])
    assert "fragment" in why.lower(), f"the status says: {why}"


@check(
    "single_sign_on.client_secret_rotated",
    promise="A new client secret replaces the old one without any manual step.",
)
def test_client_secret_rotated(parties: Parties) -> None:
    app = parties.app("rota")
    walker = parties.walker(parties.person("rota"))
    before = walker.authorize(app).tokens()
    rotated = parties.rotate_secret(app)
    with refused("the old client secret", "invalid_client"):
        app.refresh(before)
    answer = walker.authorize(rotated)
    assert rotated.verified(answer.tokens().id_token, answer.attempt.nonce)
    assert walker.asked == ["password", "consent"], "users are asked to log in again"
