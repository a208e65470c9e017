"""What the single sign-on checks expect, in the words of the specifications."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from conformance.services.oidc import OAuthRefused

PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members of a JSON Web Key that nobody but its owner may have (RFC 7518, section 6)."""
STRICT = {"Lax", "Strict"}
"""Values of SameSite with which a form of another site gets no cookie."""
PREFERENCES = re.compile(r"wordpress_test_cookie|wp-settings-.*")
"""Cookies that WordPress's own scripts read: they hold no secret."""


@contextmanager
def refused(what: str, *errors: str) -> Iterator[None]:
    """Expect that the body is refused with one of these error codes of RFC 6749.

    ``what`` names what the body tries. Raises ``AssertionError`` when it is accepted, or refused
    for another reason.
    """
    try:
        yield
    except OAuthRefused as refusal:
        if refusal.error in errors:
            return
        raise AssertionError(f"{what}: refused, but as {refusal}") from refusal
    raise AssertionError(f"{what}: accepted")


def cookie_faults(cookies: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each wrong flag of cookies in Playwright's form."""
    faults = []
    for cookie in cookies:
        name = f"{cookie['name']} of {cookie['domain']}"
        if not cookie["secure"]:
            faults.append(f"{name} is not Secure")
        if not cookie["httpOnly"] and not PREFERENCES.fullmatch(cookie["name"]):
            faults.append(f"{name} is not HttpOnly")
        if cookie["sameSite"] not in STRICT:
            faults.append(f"{name} has SameSite={cookie['sameSite']}")
        if cookie["domain"].startswith("."):
            faults.append(f"{name} goes to every app of the platform")
    return faults
