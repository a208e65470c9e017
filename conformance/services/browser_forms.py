"""The forms of the platform's login, filled in by a user in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.services.login_pages import User
    from conformance.services.visitor import Visitor

LOG_IN = "Log in"
"""The button that sends the login form."""


def fills_in_login(visitor: Visitor, user: User) -> None:
    """Fill in the login form."""
    visitor.fill("E-mail address", user.email)
    visitor.fill("Password", user.password)


def gives_password(visitor: Visitor, user: User) -> None:
    """Fill in and send the login form; what comes of it has to be waited for."""
    fills_in_login(visitor, user)
    visitor.press(LOG_IN)
