"""Parameters in the addresses that browsers are sent to."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit


def parameter(url: str, name: str) -> str:
    """Return the value of one parameter of ``url``, empty where it has none."""
    return dict(parse_qsl(urlsplit(url).query)).get(name, "")


def with_parameter(url: str, **changes: str) -> str:
    """Return ``url`` with other values of some parameters."""
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), **changes}
    return parts._replace(query=urlencode(query)).geturl()
