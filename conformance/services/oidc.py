"""A relying party in the hands of a check: OpenID Connect by the letter, one step at a time.

Authorization code with PKCE, as an app on the platform does it. Every step can be done wrong on
purpose; nothing is put right silently.
https://openid.net/specs/openid-connect-core-1_0.html, RFC 6749, RFC 7636, RFC 9700
"""

from __future__ import annotations

import base64
import functools
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

SCOPE = "openid profile email stackspin_roles offline_access"
"""What Stackspin's app packages ask for, and a refresh token."""
ALGORITHMS = ["RS256", "ES256", "PS256"]
"""Signatures by the provider's private key alone: never ``none``, nor a shared secret."""
LEEWAY = 5
"""Seconds by which the provider's clock may differ; here it is the same machine's or nearly."""


class OAuthRefused(Exception):
    """The provider refused, with an error code of RFC 6749."""

    def __init__(self, error: str, description: str, status: int) -> None:
        super().__init__(f"{error} (HTTP {status}): {description}")
        self.error = error
        self.description = description
        self.status = status
        """HTTP status; 302 when a browser was sent back with the error."""


class TokenRefused(Exception):
    """A token that this client does not believe, and why."""


@dataclass(frozen=True)
class Client:
    """What a relying party is registered as."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    authentication: str = "client_secret_post"
    """How it proves its identity: that, or client_secret_basic (RFC 6749, section 2.3.1)."""


@dataclass(frozen=True)
class Attempt:
    """One request for authorization, and what only its client knows of it."""

    url: str
    """Where a browser goes to begin."""
    state: str
    nonce: str
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class Tokens:
    """The answer of the token endpoint."""

    access_token: str = field(repr=False)
    id_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    """Empty when there is none."""
    expires_in: int
    """Seconds that the access token is valid."""
    scope: str


class Provider:
    """The provider as its discovery document describes it, asked for once."""

    def __init__(self, http: requests.Session, issuer: str) -> None:
        self.issuer = issuer
        self._http = http

    @functools.cached_property
    def metadata(self) -> dict[str, Any]:
        """The discovery document (OpenID Connect Discovery 1.0, section 4)."""
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        answer = self._http.get(url)
        answer.raise_for_status()
        return dict(answer.json())

    def keys(self) -> dict[str, Any]:
        """Return the provider's public keys as it publishes them now (RFC 7517)."""
        answer = self._http.get(self.metadata["jwks_uri"])
        answer.raise_for_status()
        return dict(answer.json())

    def claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that this provider signed. Raises ``TokenRefused``."""
        try:
            keys = KeySet.import_key_set(self.keys())  # type: ignore[arg-type]  # is JSON
            return dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)
        except (JoseError, ValueError) as error:
            raise TokenRefused(f"{type(error).__name__}: {error}") from error


class RelyingParty:
    """A confidential client of ``provider``; ``http`` is its own connection, not a browser's."""

    def __init__(self, http: requests.Session, provider: Provider, client: Client) -> None:
        self.provider = provider
        self.client = client
        self._http = http

    def attempt(self, **changes: str) -> Attempt:
        """Prepare a login; ``changes`` are parameters that differ from what is right."""
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        parameters = {
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uri,
            "response_type": "code",
            "scope": SCOPE,
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **changes,
        }
        url = f"{self.provider.metadata['authorization_endpoint']}?{urlencode(parameters)}"
        return Attempt(url, parameters["state"], parameters["nonce"], verifier)

    def code(self, callback: str, attempt: Attempt) -> str:
        """Return the code that a browser brought to ``callback``.

        Raises ``OAuthRefused`` when it brought an error, ``TokenRefused`` when it is the answer to
        another attempt.
        """
        parameters = {
            name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()
        }
        if "error" in parameters:
            told = parameters.get("error_description", "")
            raise OAuthRefused(parameters["error"], told, requests.codes.found)
        if parameters.get("state") != attempt.state:
            raise TokenRefused("the state is that of another attempt")
        return parameters["code"]

    def redeem(self, code: str, attempt: Attempt, **changes: str) -> Tokens:
        """Exchange a code for tokens. Raises ``OAuthRefused``."""
        return self._tokens(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.client.redirect_uri,
                "code_verifier": attempt.verifier,
                **changes,
            }
        )

    def refresh(self, tokens: Tokens) -> Tokens:
        """Exchange a refresh token for fresh tokens. Raises ``OAuthRefused``."""
        return self._tokens({"grant_type": "refresh_token", "refresh_token": tokens.refresh_token})

    def is_authenticated(self) -> bool:
        """Whether the provider takes the client's secret, which it looks at before the code."""
        try:
            self.redeem("no code", self.attempt())
        except OAuthRefused as refusal:
            return refusal.error != "invalid_client"
        return True

    def verified(self, id_token: str, nonce: str | None) -> dict[str, Any]:
        """Return the claims of an id_token after every verification that the specification asks.

        Signature, issuer, audience, times, and the nonce where one is given (a refreshed token
        need not have it). Raises ``TokenRefused``.
        """
        claims = self.provider.claims(id_token)
        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": self.provider.issuer},
            aud={"essential": True, "value": self.client.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce} if nonce is not None else {},
        )
        try:
            registry.validate(claims)
        except JoseError as error:
            raise TokenRefused(f"{type(error).__name__}: {error}") from error
        return claims

    def userinfo(self, access_token: str) -> dict[str, Any]:
        """Return what the provider tells of the user. Raises ``OAuthRefused``."""
        answer = self._http.get(
            self.provider.metadata["userinfo_endpoint"],
            headers={"Authorization": f"Bearer {access_token}"},
        )
        return _json(answer)

    def logout_url(self, id_token: str = "", return_to: str = "", state: str = "") -> str:
        """Return where a browser goes to log out (OpenID Connect RP-Initiated Logout 1.0)."""
        given = {
            "id_token_hint": id_token,
            "post_logout_redirect_uri": return_to,
            "state": state,
        }
        parameters = urlencode({name: value for name, value in given.items() if value})
        return f"{self.provider.metadata['end_session_endpoint']}?{parameters}"

    def _tokens(self, parameters: dict[str, str]) -> Tokens:
        known_by, secret = self.client.client_id, self.client.client_secret
        authorization = None
        if self.client.authentication == "client_secret_basic":
            authorization = (quote_plus(known_by), quote_plus(secret))
        else:
            parameters = {"client_id": known_by, "client_secret": secret, **parameters}
        endpoint = self.provider.metadata["token_endpoint"]
        answer = _json(self._http.post(endpoint, data=parameters, auth=authorization))
        return Tokens(
            access_token=answer["access_token"],
            id_token=answer.get("id_token", ""),
            refresh_token=answer.get("refresh_token", ""),
            expires_in=int(answer.get("expires_in", 0)),
            scope=answer.get("scope", ""),
        )


def _json(answer: requests.Response) -> dict[str, Any]:
    """Return the body of an answer that is no error. Raises ``OAuthRefused``."""
    body = answer.json() if "json" in answer.headers.get("Content-Type", "") else {}
    if answer.status_code != requests.codes.ok:
        error = body.get("error") or f"HTTP {answer.status_code}"
        raise OAuthRefused(str(error), body.get("error_description", ""), answer.status_code)
    return dict(body)


def resembling(redirect_uri: str) -> dict[str, str]:
    """Return addresses that are like a redirect URI and are not it, by what differs.

    The provider compares them as texts (RFC 9700, section 4.1.3).
    """
    parts = urlsplit(redirect_uri)
    variants = {
        "prefix": redirect_uri.rpartition("/")[0] + "/",
        "extra path": parts._replace(path=f"{parts.path}/more").geturl(),
        "other scheme": redirect_uri.replace("https:", "http:"),
        "other host": parts._replace(netloc=f"{parts.netloc}.example.org").geturl(),
        "user information": parts._replace(netloc=f"sso@{parts.netloc}").geturl(),
        "query": f"{redirect_uri}{'&' if parts.query else '?'}next=/",
    }
    return {what: address for what, address in variants.items() if address != redirect_uri}


def unsigned(token: str) -> str:
    """Return the same token, claiming that it needs no signature (``alg`` none, RFC 7519)."""
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."
