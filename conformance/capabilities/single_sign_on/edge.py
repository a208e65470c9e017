"""What the platform answers with at its edge: plain http, old TLS, headers for browsers."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import requests

from conformance.services.ingress import HttpClient

LEAST_MAX_AGE = 180 * 24 * 60 * 60
"""Seconds for which browsers must keep to https. RFC 6797 names no least number. Half a year is
what OWASP's ASVS 4.0 (14.4.5) shows, 15724800, and what ingress-nginx has said by default."""
_MAX_AGE = re.compile(r'(?:^|;)\s*max-age\s*=\s*"?(\d+)"?\s*(?:;|$)', re.IGNORECASE)


def transport_faults(http: HttpClient, url: str) -> Iterator[str]:
    """Yield what is wrong with how the host of an https address is reached.

    Raises ``tls.CannotSpeak`` where this machine cannot ask for old versions of TLS.
    """
    host = str(urlsplit(url).hostname)
    for fault in (_plain_http(http, url), _strict_transport(http, url), _versions(http, url)):
        if fault:
            yield f"{host} {fault}"


def _plain_http(http: HttpClient, url: str) -> str:
    """Return what plain http answers with, unless it leads to the same host's https."""
    parts = urlsplit(url)
    plain = f"http://{parts.hostname}{parts.path}"
    try:
        answer = http.get(plain, allow_redirects=False)
    except requests.ConnectionError as error:
        return f"does not answer plain http: {error}"
    if not answer.is_redirect:
        return f"answers {answer.status_code} to plain http"
    target = urlsplit(urljoin(plain, answer.headers["Location"]))
    if (target.scheme, target.hostname) != ("https", parts.hostname):
        return f"leads from plain http to {target.scheme}://{target.hostname}"
    return "sets a cookie by plain http" if "Set-Cookie" in answer.headers else ""


def _strict_transport(http: HttpClient, url: str) -> str:
    """Return what is wrong with the header of RFC 6797, of which there is one (section 7.1)."""
    said = http.get(url, allow_redirects=False).headers.get("Strict-Transport-Security", "")
    found = _MAX_AGE.search(said)
    enough = found is not None and int(found[1]) >= LEAST_MAX_AGE
    return "" if enough else f"has Strict-Transport-Security: {said or 'missing'}"


def _versions(http: HttpClient, url: str) -> str:
    """Return which old versions of TLS are spoken, or that none of the others is (RFC 8996)."""
    versions = http.tls_versions(url)
    if old := [one.name for one in versions if one < ssl.TLSVersion.TLSv1_2]:
        return f"speaks {', '.join(old)}"
    return "" if versions else "speaks no version of TLS"


def kept_by_browsers(answer: requests.Response) -> str:
    """Return the Cache-Control of a page that caches and browsers may keep; empty if they may not.

    Only ``no-store`` forbids that (RFC 9111, section 5.2.2.5), and OWASP's ASVS asks for it (5.0:
    14.3.2; in 4.0 8.2.1, without naming a directive): with ``private`` or ``no-cache`` a copy
    stays on the disk of a computer that several people use.
    """
    said = answer.headers.get("Cache-Control", "")
    directives = {one.strip().lower() for one in said.split(",")}
    return "" if "no-store" in directives else f"Cache-Control: {said or 'missing'}"
