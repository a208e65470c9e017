"""What is downloaded from an address that a package names: a stranger's server, with limits.

Neither ``helm pull`` nor the suite's client of its own registry bounds what a server sends.
"""

from __future__ import annotations

import json
import re
from urllib.parse import urljoin, urlsplit

import requests

from conformance.common.errors import HarnessError

_SCHEMES = ("http", "https")
_REDIRECTS = 5
_SECONDS = 20.0
"""For each part of an answer; whoever calls bounds all of it."""
_CHUNK = 64 * 1024
_TOKEN_BYTES = 64 * 1024
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_CHECK = "check the address in a browser, or name a chart in conformance.yaml"


class Downloads:
    """Requests without any login of this machine's."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._tokens: dict[str, str] = {}

    def get(self, url: str, most: int, *, accept: str = "*/*") -> bytes:
        """Return what is at an address, of at most so many bytes.

        Raises HarnessError: another scheme than http and https, no answer, another status than 200,
        too many bytes or redirects, or one from https to http.
        """
        for _ in range(_REDIRECTS):
            answer = self._answer(url, accept)
            with answer:
                if answer.status_code == requests.codes.unauthorized and self._let_in(answer):
                    continue
                if not answer.is_redirect:
                    return _content(answer, url, most)
            url = _led_to(url, answer.headers["Location"])
        raise HarnessError(f"{url} leads from one address to the next", _CHECK)

    def _answer(self, url: str, accept: str) -> requests.Response:
        try:
            parts = urlsplit(url)
            if parts.scheme not in _SCHEMES or not parts.hostname or parts.username:
                raise HarnessError(
                    f"{url[:200]} is not fetched: it is no plain http or https address", _CHECK
                )
            headers = {"Accept": accept}
            if token := self._tokens.get(parts.netloc):
                headers["Authorization"] = f"Bearer {token}"
            return self._session.get(
                url,
                headers=headers,
                auth=lambda request: request,  # none out of a .netrc
                allow_redirects=False,
                stream=True,
                timeout=_SECONDS,
            )
        except (requests.RequestException, ValueError) as error:
            raise HarnessError(f"{url[:200]} does not answer: {_why(error)}", _CHECK) from None

    def _let_in(self, answer: requests.Response) -> bool:
        """Get the token that a registry gives everybody; return whether there is a new one.

        https://distribution.github.io/distribution/spec/auth/token/
        """
        host = urlsplit(answer.url).netloc
        asked = dict(_CHALLENGE.findall(answer.headers.get("WWW-Authenticate", "")))
        realm = asked.pop("realm", "")
        if not realm or host in self._tokens:
            return False
        query = requests.models.PreparedRequest()
        query.prepare_url(realm, asked)
        found = self._answer(str(query.url), "application/json")
        with found:
            content = _content(found, realm, _TOKEN_BYTES)
        try:
            told = json.loads(content)
            self._tokens[host] = str(told.get("token") or told["access_token"])
        except (ValueError, LookupError, AttributeError):
            return False
        return True


def _led_to(url: str, location: str) -> str:
    following = urljoin(url, location)
    if url.startswith("https:") and not following.startswith("https:"):
        raise HarnessError(f"{url[:200]} leads away from https", _CHECK)
    return following


def _content(answer: requests.Response, url: str, most: int) -> bytes:
    if answer.status_code != requests.codes.ok:
        raise HarnessError(f"{url[:200]} answered HTTP {answer.status_code}", _CHECK)
    content = bytearray()
    try:
        for part in answer.iter_content(_CHUNK):
            content += part
            if len(content) > most:
                raise HarnessError(f"{url[:200]} has more than {most >> 20} MiB", _CHECK)
    except requests.RequestException as error:
        raise HarnessError(f"{url[:200]} broke off: {_why(error)}", _CHECK) from None
    return bytes(content)


def _why(error: Exception) -> str:
    """Return what the error at the bottom says, without the objects that it is about."""
    first = error.args[0] if error.args else error
    reason = str(getattr(first, "reason", first))
    return " ".join(reason.rpartition("): ")[2].split())[:200]
