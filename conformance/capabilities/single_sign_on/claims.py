"""What an app is told of a user, and for how long."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.platform.description import Lifetimes
    from conformance.services.login_pages import LoginClient
    from conformance.services.oidc import RelyingParty
    from conformance.suite.accounts import Accounts

ROUNDING = 2
"""Seconds: Hydra rounds the times that it tells, some up and some down."""


def claims_told(login_client: LoginClient, app: RelyingParty) -> dict[str, dict[str, Any]]:
    """Log a user in to an app; return the claims that it gets, by how it gets them."""
    answer = login_client.authorize(app)
    tokens = answer.tokens()
    return {
        "the id_token": app.verified(tokens.id_token, answer.attempt.nonce),
        "userinfo": app.userinfo(tokens.access_token),
        "the id_token after a refresh": app.verified(app.refresh(tokens).id_token, None),
    }


def misleads(claims: Mapping[str, Any], *, verified: bool) -> bool:
    """Whether claims say the opposite of whether an address is verified; they may say nothing.

    https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims
    """
    return claims.get("email_verified", verified) is not verified


def lifetimes_of(
    accounts: Accounts, login_client: LoginClient, app: RelyingParty
) -> dict[str, float]:
    """Log a user in for the first time; return for how many seconds tokens and session are valid.

    Their names are those that platform.yaml has for the bounds. ``math.inf``: it never expires.
    """
    answer = login_client.authorize(app)
    tokens = answer.tokens()
    claims = app.verified(tokens.id_token, answer.attempt.nonce)
    session = login_client.browser.http.get(accounts.whoami).json()
    begun, ends = (datetime.fromisoformat(session[at]) for at in ("issued_at", "expires_at"))
    return {
        "access_token": max(tokens.expires_in, accounts.hydra.lifetime(tokens.access_token)),
        "id_token": claims["exp"] - claims["iat"],
        "refresh_token": accounts.hydra.lifetime(tokens.refresh_token),
        "session": (ends - begun).total_seconds(),
    }


def out_of_bounds(seconds: Mapping[str, float], bounds: Lifetimes) -> list[str]:
    """Return a line for each token or session that is valid for longer than allowed, or never."""
    return [
        f"{name}: {in_words(seconds[name])}, and {most} s at most"
        for name, most in bounds.model_dump().items()
        if not 0 < seconds[name] <= most + ROUNDING
    ]


def in_words(seconds: float) -> str:
    """Return a lifetime for a message."""
    return "without an end" if math.isinf(seconds) else f"{seconds:.0f} s"
