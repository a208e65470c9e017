"""How the suite logs in to a registry: credentials of Docker's configuration, and bearer tokens.

Sources: distribution specification, "Authentication" (token flow as in distribution/distribution,
docs/content/spec/auth/token.md); docker/cli, cli/config (config.json, credential helpers). The
Docker SDK for Python reads the same file, but no more of it would be used.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import parse_http_list, parse_keqv_list

import requests
from requests.auth import AuthBase

from conformance.common.errors import HarnessError

DOCKER_HUB = "registry-1.docker.io"
_HUB_NAMES = ("https://index.docker.io/v1/", "index.docker.io", "docker.io")
"""What ``docker login`` without an address writes, and what people write by hand."""
_HELPER_SECONDS = 20
_REPOSITORY = re.compile(r"/v2/(?P<name>.+)/(?:manifests|blobs|tags)/")


def credentials(host: str, folder: Path | None = None) -> tuple[str, str] | None:
    """Return name and password for a registry (``host:port``), None where there are none.

    From ``config.json`` in ``folder``, by default DOCKER_CONFIG or ~/.docker; or by the credential
    helper that it names. HarnessError when the file or what it says cannot be used.
    """
    folder = folder or Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text())
        known = config.get("auths", {})
        helpers = config.get("credHelpers", {})
        store = config.get("credsStore", "")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError) as error:
        raise HarnessError(f"{file} cannot be read: {error}", "`docker login` writes it") from None
    names = (*_HUB_NAMES, host) if host == DOCKER_HUB else (host, f"https://{host}")
    for name in names:
        if helper := helpers.get(name) or (store if name in known else ""):
            return _asked(str(helper), name)
        entry = known.get(name)
        if isinstance(entry, dict) and entry.get("auth"):
            return _decoded(str(entry["auth"]), name, file)
    return None


def _decoded(text: str, name: str, file: Path) -> tuple[str, str]:
    try:
        user, colon, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if not colon:
        raise HarnessError(f"{file}: the login of {name} is not name:password in base64")
    return user, password


def _asked(helper: str, name: str) -> tuple[str, str] | None:
    """Ask a credential helper (docker/docker-credential-helpers, "Development")."""
    program = f"docker-credential-{helper}"
    try:
        answer = subprocess.run(
            [program, "get"],
            input=name,
            capture_output=True,
            text=True,
            timeout=_HELPER_SECONDS,
            check=False,
        )
        if answer.returncode:
            return None  # the usual answer for what it has no login of
        told = json.loads(answer.stdout)
        return str(told["Username"]), str(told["Secret"])
    except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as error:
        raise HarnessError(f"Docker's credential helper {program} failed: {error}") from None


class Login(AuthBase):
    """Logs in where a registry asks for it: with a token for each repository, or a password.

    Nothing of it is sent to another host, such as the one a registry redirects to for its blobs.
    """

    def __init__(self, host: str, login: tuple[str, str] | None, timeout: float) -> None:
        self._host = host
        self._login = login
        self._timeout = timeout
        self._headers: dict[str, str] = {}

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add what the repository's last question was answered with; called by requests."""
        if header := self._headers.get(_repository(request.url)):
            request.headers["Authorization"] = header
        request.register_hook("response", self._answer)  # type: ignore[no-untyped-call]
        return request

    def _answer(self, response: requests.Response, **more: Any) -> requests.Response:  # noqa: ANN401
        request = response.request
        challenge = response.headers.get("WWW-Authenticate", "")
        asked_again = getattr(request, "answers_challenge", False)
        here = urlsplit(str(request.url)).netloc == self._host
        if response.status_code != 401 or not challenge or asked_again or not here:
            return response
        header = self._header(challenge, secure=str(request.url).startswith("https:"), **more)
        if header is None:
            return response
        self._headers[_repository(request.url)] = header
        response.content  # noqa: B018 - read to its end, so that the connection is used again
        response.close()
        again = request.copy()
        again.answers_challenge = True  # type: ignore[attr-defined]
        again.headers["Authorization"] = header
        answer: requests.Response = response.connection.send(again, **more)
        answer.history.append(response)
        answer.request = again
        return answer

    def _header(self, challenge: str, *, secure: bool, **more: Any) -> str | None:  # noqa: ANN401
        scheme, _, rest = challenge.partition(" ")
        told = parse_keqv_list(parse_http_list(rest)) if "=" in rest else {}
        if scheme.lower() == "basic":
            return _basic(self._login) if self._login else None
        if scheme.lower() != "bearer" or "realm" not in told:
            return None
        realm = told["realm"]
        if secure and not realm.startswith("https://"):
            raise HarnessError(f"{self._host} asks for a login at {realm}, which is not https")
        headers = {"Authorization": _basic(self._login)} if self._login else {}
        with requests.Session() as session:
            session.trust_env = secure  # as the registry's own client
            answer = session.get(
                realm,
                params={name: told[name] for name in ("service", "scope") if name in told},
                headers=headers,
                timeout=self._timeout,
                auth=_no_netrc,
                verify=more.get("verify"),
            )
        try:
            tokens = answer.json()
            return f"Bearer {tokens.get('token') or tokens['access_token']}"
        except (ValueError, KeyError, AttributeError):
            who = f"the login of {self._login[0]}" if self._login else "anybody without a login"
            raise HarnessError(
                f"{urlsplit(realm).netloc} gives no token to {who}: status {answer.status_code}",
                f"`docker login {self._host}` with an account that may pull",
            ) from None


def _basic(login: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(login).encode()).decode()


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _repository(url: str | None) -> str:
    found = _REPOSITORY.search(url or "")
    return found["name"] if found else ""
