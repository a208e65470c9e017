"""How people log in to an app through the platform, and out of it."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from conformance.apps.package.model.texts import HttpPath, LocalUri, Part, Text
from conformance.formats.reading import refused


class User(Part):
    """A page that shows who is logged in."""

    path: HttpPath
    """Its path."""
    contains: Text = "${email}"
    """A text that only the page of that user has."""


class Logout(Part):
    """How somebody logs out: one of the two."""

    path: HttpPath | None = None
    """A path that logs out whoever opens it."""
    click: Text | None = None
    """A CSS selector of what to click, on the page that shows who is logged in."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.path is None) == (self.click is None):
            raise refused("a logout has either a path or a click", "Give one of the two.")
        return self


class Login(Part):
    """How people log in through the platform."""

    begin: HttpPath
    """The path where a login begins."""
    user: User
    """A page that shows who is logged in."""
    logout: Logout
    """How somebody logs out: by `path` or by `click`."""
    redirect_uri: LocalUri | None = None
    """For a chart alone: the path of its client's redirect URI."""
    backchannel_logout_uri: LocalUri | None = None
    """For a chart alone: the path where the app is told that somebody has logged out elsewhere."""
