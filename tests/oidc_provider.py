"""An OpenID Connect provider on loopback: real TLS, real signatures, and defects to order."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from conformance.common.pki import CertificateAuthority

Claims = dict[str, Any]
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class Provider:
    """Knows one client and one user; ``change`` and ``sign`` are where tests break it."""

    def __init__(self, folder: Path, client_id: str, client_secret: str) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.key = RSAKey.generate_key(2048, {"kid": "first"})
        self.published = [self.key]
        self.user: Claims = {"sub": "alice", "name": "Alice", "email": "alice@example.org"}
        self.lifetime = 3600
        self.change: Callable[[Claims], Claims] = lambda claims: claims
        self.sign: Callable[[Claims], str] = self.signed
        self.codes: dict[str, dict[str, str]] = {}
        self.refresh_tokens: set[str] = set()
        self.ca_file = folder / "ca.crt"
        certificate = CertificateAuthority().issue("localhost")
        self.ca_file.write_bytes(certificate.ca_certificate)
        chain = folder / "chain.pem"
        chain.write_bytes(certificate.certificate + certificate.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.issuer = f"https://localhost:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def signed(self, claims: Claims, key: RSAKey | None = None) -> str:
        key = key or self.key
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)

    def authorize(self, url: str) -> dict[str, str]:
        """Log the user in; return the parameters with which the browser goes back."""
        asked = dict(parse_qsl(urlsplit(url).query))
        assert asked["client_id"] == self.client_id
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def logout_token(self, **changes: Any) -> str:
        """Return a logout token; a change to None takes a claim away."""
        claims: Claims = {
            "iss": self.issuer,
            "aud": [self.client_id],
            "iat": int(time.time()),
            "jti": secrets.token_urlsafe(8),
            "events": {LOGOUT_EVENT: {}},
            "sid": "session-1",
            **changes,
        }
        return self.sign({name: value for name, value in claims.items() if value is not None})

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Claims]:
        if path == "/.well-known/openid-configuration":
            endpoints = {
                "authorization_endpoint": "auth",
                "token_endpoint": "token",
                "jwks_uri": "jwks",
                "end_session_endpoint": "logout",
            }
            urls = {name: self.issuer + where for name, where in endpoints.items()}
            return 200, {"issuer": self.issuer, **urls}
        if path == "/jwks":
            return 200, dict(KeySet(self.published).as_dict(private=False))
        return self._tokens(form)

    def _tokens(self, form: dict[str, str]) -> tuple[int, Claims]:
        if (form["client_id"], form["client_secret"]) != (self.client_id, self.client_secret):
            return 401, {"error": "invalid_client"}
        nonce = {}
        if form["grant_type"] == "authorization_code":
            asked = self.codes.pop(form["code"], None)
            if asked is None or not _proves(form["code_verifier"], asked["code_challenge"]):
                return 400, {"error": "invalid_grant", "error_description": "code or verifier"}
            assert form["redirect_uri"] == asked["redirect_uri"]
            nonce = {"nonce": asked["nonce"]}
        elif form["refresh_token"] in self.refresh_tokens:
            self.refresh_tokens.clear()
        else:
            return 400, {"error": "invalid_grant", "error_description": "refresh token"}
        refresh_token = secrets.token_urlsafe(8)
        self.refresh_tokens.add(refresh_token)
        now = int(time.time())
        times = {"iat": now, "exp": now + 3600}
        basic = {"iss": self.issuer, "aud": [self.client_id], "sid": "session-1", **times}
        return 200, {
            "access_token": secrets.token_urlsafe(8),
            "token_type": "bearer",
            "expires_in": self.lifetime,
            "refresh_token": refresh_token,
            "id_token": self.sign(self.change({**basic, **self.user, **nonce})),
        }


def unsigned(claims: Claims) -> str:
    return f"{_unsigned('none', claims)}."


def signed_with_password(claims: Claims, password: bytes) -> str:
    text = _unsigned("HS256", claims)
    return f"{text}.{_coded(hmac.digest(password, text.encode(), 'sha256'))}"


def _unsigned(algorithm: str, claims: Claims) -> str:
    parts = ({"alg": algorithm, "kid": "first", "typ": "JWT"}, claims)
    return ".".join(_coded(json.dumps(part).encode()) for part in parts)


def _coded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _proves(verifier: str, challenge: str) -> bool:
    return _coded(hashlib.sha256(verifier.encode()).digest()) == challenge


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({name: values[0] for name, values in parse_qs(body).items()})

        def _answer(self, form: dict[str, str]) -> None:
            status, content = provider.answer(urlsplit(self.path).path, form)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
