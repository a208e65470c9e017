"""Refreshes that an app sends a second time, because it never saw the first answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.services.oidc import OAuthRefused

if TYPE_CHECKING:
    from conformance.services.oidc import RelyingParty, Tokens


def loses_answer(app: RelyingParty, tokens: Tokens) -> None:
    """Send a refresh that the provider answers; nobody gets to see the answer.

    Raises ``OAuthRefused`` if it refuses.
    """
    app.refresh(tokens)


def refreshes_again(app: RelyingParty, tokens: Tokens) -> Tokens | None:
    """Send a refresh a second time; return the tokens, None if it is refused as used.

    Raises ``OAuthRefused`` for another reason. RFC 9700, section 4.14.2: a provider cannot tell who
    sends a used refresh token, so it ends what was issued for it; some have a time of grace before.
    """
    try:
        return app.refresh(tokens)
    except OAuthRefused as refusal:
        if refusal.error == "invalid_grant":
            return None
        raise
