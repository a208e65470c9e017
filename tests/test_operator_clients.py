"""What the reference operator tells Hydra about an OAuth2Client, and what it finds in a Secret."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType

import pytest

FOLDER = Path(__file__).parent.parent / "fixtures/services/operator"
SPEC = {
    "clientName": "Notes",
    "grantTypes": ["authorization_code", "refresh_token"],
    "responseTypes": ["code"],
    "redirectUris": ["https://notes.example.org/oidc/callback"],
    "scope": "openid profile email stackspin_roles",
    "secretName": "stackspin-notes-oauth-variables",
    "tokenEndpointAuthMethod": "client_secret_post",
    "backChannelLogoutURI": "https://notes.example.org/oidc/backchannel-logout",
    "backChannelLogoutSessionRequired": True,
    "skipConsent": False,
}
STORED = {"client_id": b"notes", "client_secret": b"very secret"}


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"operator_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def clients() -> ModuleType:
    return _module("clients")


@pytest.fixture(scope="module")
def hydra() -> ModuleType:
    return _module("hydra")


def test_a_client_is_what_the_resource_and_its_secret_say(clients: ModuleType) -> None:
    known_by = clients.credentials(STORED, SPEC["tokenEndpointAuthMethod"])
    assert clients.registration(SPEC, "notes/flux-system", known_by) == {
        "client_id": "notes",
        "client_secret": "very secret",
        "client_name": "Notes",
        "owner": "notes/flux-system",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "redirect_uris": ["https://notes.example.org/oidc/callback"],
        "scope": "openid profile email stackspin_roles",
        "token_endpoint_auth_method": "client_secret_post",
        "backchannel_logout_uri": "https://notes.example.org/oidc/backchannel-logout",
        "backchannel_logout_session_required": True,
        "skip_consent": False,
    }


def test_lifespans_and_scopes_in_a_list_are_understood(clients: ModuleType) -> None:
    spec = {
        "grantTypes": ["authorization_code"],
        "scopeArray": ["openid", "email"],
        "tokenLifespans": {"authorization_code_grant_access_token_lifespan": "5s"},
    }
    made = clients.registration(spec, "x/y", None)
    assert made["scope"] == "openid email"
    assert made["authorization_code_grant_access_token_lifespan"] == "5s"
    assert not {"client_id", "client_secret"} & made.keys()


def test_both_ways_to_name_the_keys_of_a_secret_are_read(clients: ModuleType) -> None:
    made = clients.secret_of({"client_id": "abc", "client_secret": "very secret"})
    assert set(made) == {"CLIENT_ID", "CLIENT_SECRET"}
    assert clients.credentials(made, None) == clients.Credentials("abc", "very secret")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({}, "none of the keys client_id, CLIENT_ID"),
        ({"client_id": b"notes"}, "none of the keys client_secret, CLIENT_SECRET"),
        ({"client_id": b"notes", "client_secret": b""}, "none of the keys client_secret"),
        ({"client_id": b"notes", "client_secret": b"short"}, "shorter than 6 characters"),
    ],
)
def test_a_secret_that_is_none_is_refused_by_name(
    clients: ModuleType, data: dict[str, bytes], why: str
) -> None:
    with pytest.raises(clients.InvalidSecretError, match=why) as refused:
        clients.credentials(data, "client_secret_basic")
    assert "short" not in str(refused.value).replace("shorter", "")


def test_a_public_client_needs_no_secret(clients: ModuleType) -> None:
    known_by = clients.credentials({"client_id": b"notes"}, "none")
    assert "client_secret" not in clients.registration(SPEC, "x/y", known_by)


def test_credentials_do_not_show_their_secret(clients: ModuleType) -> None:
    assert "very secret" not in repr(clients.credentials(STORED, None))


ANSWERS = {
    "/admin/clients/refused": (
        400,
        b'{"error": "invalid_redirect_uri", "error_description": "must not contain fragments"}',
    ),
    "/admin/clients/away": (503, b"not yet"),
    "/admin/clients/none": (404, b"{}"),
    "/admin/clients?owner=notes%2Fx": (200, b'[{"client_id": "1", "owner": "notes/x"}, {}]'),
}


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = ANSWERS[self.path]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_hydra_explains_what_it_refuses(hydra: ModuleType, address: str) -> None:
    with pytest.raises(hydra.RefusedError, match="invalid_redirect_uri: must not contain"):
        hydra.Hydra(address).find("refused")


def test_hydra_being_away_is_no_refusal(hydra: ModuleType, address: str) -> None:
    with pytest.raises(hydra.UnreachableError, match="503"):
        hydra.Hydra(address).find("away")
    with pytest.raises(hydra.UnreachableError, match="does not answer"):
        hydra.Hydra("http://127.0.0.1:1").find("notes")


def test_a_client_that_is_not_there_is_none(hydra: ModuleType, address: str) -> None:
    assert hydra.Hydra(address).find("none") is None


def test_only_clients_of_the_owner_are_its_own(hydra: ModuleType, address: str) -> None:
    owned = hydra.Hydra(address).owned_by("notes/x")
    assert [client["client_id"] for client in owned] == ["1"]
