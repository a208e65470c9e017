"""Where the reference apps let users in and out, and how they show who is logged in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AppPages:
    """Where an app lets people in and out, and how it shows who is there."""

    name: str
    """Also its client id, and its host name on the platform."""
    login: str
    """Path at which a login begins."""
    callback: str
    """Path to which the provider sends people back."""
    user: str
    """CSS selector of what shows the name of who is logged in."""
    marker: str
    """Part of its first page's source when somebody is logged in, and only then."""
    logout: str
    """CSS selector of the link that logs out."""


NOTES = AppPages(
    name="notes",
    login="/login",
    callback="/oidc/callback",
    user="#user",
    marker='id="user"',
    logout="#logout",
)
WORDPRESS = AppPages(
    name="wordpress",
    login="/wp-login.php",
    callback="/oidc/redirect_uri",
    user="#wp-admin-bar-my-account .display-name",
    marker="wp-admin-bar-my-account",
    logout="#wp-admin-bar-logout a",
)
APPS = (NOTES, WORDPRESS)
"""Relying parties: one of ours, and one that nobody here wrote (mod_auth_openidc)."""
