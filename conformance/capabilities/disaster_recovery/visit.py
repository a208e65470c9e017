"""Somebody who comes back to the platform, in a browser that sees the new server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.components.waiting import in_thread
from conformance.services.browser import Browser
from conformance.services.browser_forms import gives_password

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.capabilities.disaster_recovery.disaster import Life
    from conformance.platform.site import Site
    from conformance.services.visitor import KeepsEvidence, Visitor


@dataclass(frozen=True)
class Comeback:
    """Who was there before the loss, at the app of the platform that came back."""

    site: Site
    app: App
    life: Life
    folder: Path
    """For the browser's profile."""

    def name_in_app(self, evidence: KeepsEvidence) -> str:
        """Log in with password and second factor; return whom the app says that it has before it.

        By a browser of its own: that of the other checks knows only their platform. Playwright's
        objects belong to a thread, so it is in another one.
        """
        return in_thread("comeback", lambda: self._log_in(evidence)).result()

    def _log_in(self, evidence: KeepsEvidence) -> str:
        stack, platform = self.site.stack, self.site.stack.clients.platform
        address = self.site.cluster.node_address
        with (
            Browser(platform.domain, address, stack.authority, self.folder) as browser,
            browser.visitor(evidence, self.life.user.name) as zoe,
        ):
            return self._goes_in(zoe, f"https://{self.app.name}.{platform.domain}")

    def _goes_in(self, zoe: Visitor, url: str) -> str:
        zoe.open(f"{url}{self.app.login.path}")
        zoe.screenshot("login after the loss")
        gives_password(zoe, self.life.user)
        code = zoe.page.get_by_label("Code from your authenticator app")
        code.wait_for()
        zoe.screenshot("second factor after the loss")
        code.fill(self.life.authenticator.now())
        zoe.send("Use this code")
        zoe.arrives(f"{url}/")
        zoe.screenshot("the app after the loss")
        return (zoe.page.locator(self.app.login.user).first.text_content() or "").strip()
