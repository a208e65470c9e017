"""The forms by which a user sets up a second factor, in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyotp

if TYPE_CHECKING:
    from conformance.services.visitor import Visitor


def enrols_second_factor(visitor: Visitor, settings: str) -> tuple[pyotp.TOTP, list[str]]:
    """Set up an authenticator and recovery codes on the settings page; return both."""
    visitor.open(settings)
    visitor.screenshot("settings")
    authenticator = pyotp.TOTP(visitor.page.locator("#totp-secret").inner_text())
    visitor.fill("Code from your authenticator app", authenticator.now())
    visitor.send("Turn on the second factor")
    visitor.send("Make new recovery codes")
    codes = visitor.page.locator("#recovery-codes code")
    visitor.screenshot("recovery codes")
    spare = codes.all_inner_texts()
    visitor.press("I have kept these codes")
    codes.first.wait_for(state="detached")
    visitor.screenshot("second factor")
    return authenticator, spare
