"""How people log in to an app and out of it, in a browser, as its description says."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.services.browser_forms import LOG_IN, fills_in_login

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.apps.package.model.login import Login
    from conformance.apps.package.running import RunningApp
    from conformance.services.login_pages import User
    from conformance.services.visitor import Visitor

_PASSWORD = "Password"  # noqa: S105 - a field's label
_ALLOW = "Allow"
_LOG_OUT = "Log out"


class AppLogin:
    """The login of one app, which is the platform's: the pages that ask are the dashboard's."""

    def __init__(self, app: RunningApp, login: Login, page: Callable[[str], str]) -> None:
        """``page`` returns the address of a page of the platform's, by what it is for."""
        self._app = app
        self._login = login
        self._page = page

    def begin(self, visitor: Visitor) -> None:
        """Go to where a login to the app begins."""
        self._open(visitor, self._login.begin)

    def wants_password(self, visitor: Visitor) -> bool:
        """Whether the platform asks for the password."""
        return self._is_asked(visitor) and bool(visitor.page.get_by_label(_PASSWORD).count())

    def answer(self, visitor: Visitor, user: User) -> None:
        """Give what the platform asks for: the password, then consent, each if it does."""
        if self.wants_password(visitor):
            fills_in_login(visitor, user)
            visitor.send(LOG_IN)
        if self._has_button(visitor, _ALLOW):
            visitor.send(_ALLOW)

    def log_in(self, visitor: Visitor, user: User) -> None:
        """Log in to the app. Raises ``AssertionError`` unless it then shows who has."""
        self.begin(visitor)
        self.answer(visitor, user)
        end = visitor.seen()
        if not self.shows(visitor, user):
            raise AssertionError(
                f"{self._app.host}{self._login.user.path} does not show {self._sign_of(user)!r}"
                f" to {user.name}, whose login ended here:\n{end}"
            )

    def shows(self, visitor: Visitor, user: User) -> bool:
        """Whether the app's page for that shows that a user is logged in."""
        self._open(visitor, self._login.user.path)
        at_app = urlsplit(visitor.page.url).hostname == self._app.host
        return at_app and self._sign_of(user) in visitor.page.content()

    def log_out(self, visitor: Visitor) -> None:
        """Log out at the app; confirm it, where the platform asks."""
        logout = self._login.logout
        self._open(visitor, logout.path or self._login.user.path)
        if logout.click:
            visitor.click(logout.click)
        self._confirm_logout(visitor)

    def log_out_of_platform(self, visitor: Visitor) -> None:
        """Log out at the dashboard."""
        visitor.open(self._page("logout"))
        self._confirm_logout(visitor)

    def log_in_to_platform(self, visitor: Visitor, user: User) -> None:
        """Log in at the dashboard."""
        visitor.open(self._page("login"))
        self.answer(visitor, user)

    def _open(self, visitor: Visitor, path: str) -> None:
        visitor.open(f"https://{self._app.host}{self._app.filled(path)}")
        visitor.settle()

    def _sign_of(self, user: User) -> str:
        return self._app.filled(self._login.user.contains, email=user.email)

    def _confirm_logout(self, visitor: Visitor) -> None:
        if visitor.page.url.startswith(self._page("logout")):
            visitor.send(_LOG_OUT)

    def _is_asked(self, visitor: Visitor) -> bool:
        """Whether the page is the platform's: an app may have forms like its own."""
        hosts = {urlsplit(self._page(name)).hostname for name in ("login", "consent")}
        return urlsplit(visitor.page.url).hostname in hosts

    def _has_button(self, visitor: Visitor, name: str) -> bool:
        buttons = visitor.page.get_by_role("button", name=name)
        return self._is_asked(visitor) and bool(buttons.count())
