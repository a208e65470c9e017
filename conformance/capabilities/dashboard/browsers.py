"""The dashboard in the browsers of several users."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from conformance.services.browser import DESKTOP

if TYPE_CHECKING:
    from conformance.services.dashboard import Dashboard
    from conformance.services.login_pages import User

BrowserStates = dict[str, Any]
"""What the browsers of users who have logged in remember, by the users' ids."""


class DashboardOf(Protocol):
    """Opens the dashboard in a user's browser, in which the user is logged in."""

    def __call__(
        self, user: User, size: tuple[int, int] = DESKTOP
    ) -> AbstractContextManager[Dashboard]:
        """Open a browser window of this size (pixels) for the user; it closes with the context."""
