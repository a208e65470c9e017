"""What ``conformance.yaml`` may say of an app: its keys, their types and their meaning.

The JSON schema and the table of keys in docs/app-packages.md are made of these models.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, StringConstraints, model_validator

from conformance.apps.package.model.brought import Chart, Image, Secret
from conformance.apps.package.model.login import Login
from conformance.apps.package.model.steps import Data, Status
from conformance.apps.package.model.texts import Host, HttpPath, Part, Text
from conformance.formats.reading import refused

LONGEST_SKIP = timedelta(days=731)
"""Nobody knows today why a check of more than two years from now should be skipped."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _day(value: object) -> object:
    if isinstance(value, str) and _DATE.fullmatch(value):
        return value
    raise refused(f'"{value}" is not a date', "Write it as in 2027-01-31.")


class Serves(Part):
    """A request that proves that the app serves."""

    path: HttpPath
    """A path at the app's host."""
    status: Status = 200
    """The status of the answer."""
    contains: str = ""
    """A text in the answer."""


class Without(Part):
    """What the app does not have by its nature, and why: its checks are not applicable."""

    data: Text | None = None
    """Why it keeps nothing."""
    login: Text | None = None
    """Why nobody logs in."""


class Skip(Part):
    """A check that may fail, until a date."""

    check: Annotated[str, StringConstraints(pattern=r"^[a-z_0-9]+\.[a-z_0-9]+$")]
    """The check's id, as in `app_runs.second_instance`."""
    reason: Text
    """Why it may fail."""
    until: Annotated[date, BeforeValidator(_day)]
    """The last day on which it may, at most two years ahead."""

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        today = date.today()
        if self.until < today:
            raise refused(
                f"the skip of {self.check} ended on {self.until}",
                "Fix the package, or choose a new date.",
            )
        if self.until - today > LONGEST_SKIP:
            raise refused(
                f"the skip of {self.check} would be valid until {self.until}",
                "Choose a date that is at most two years ahead.",
            )
        return self


class Description(Part):
    """What a package says of its app; every key may be left out."""

    app: Text | None = None
    """Which app this describes, where a package has several."""
    host: Host | None = None
    """The app's host; without it, that of its only Ingress."""
    serves: Serves | None = None
    """A request that proves that the app serves."""
    images: tuple[Image, ...] = ()
    """Images that no registry has, under the names that the package uses."""
    charts: tuple[Chart, ...] = ()
    """Charts of a HelmRepository or an OCI registry, and what is used in their place."""
    values: Mapping[str, Any] = {}
    """For a chart alone: values to install it with."""
    secrets: tuple[Secret, ...] = ()
    """For a chart alone: Secrets that an operator makes by hand before."""
    data: Data | None = None
    """How data is put in, and how it is found."""
    login: Login | None = None
    """How people log in through the platform."""
    without: Without = Without()
    """What the app does not have by its nature, and why."""
    skip: tuple[Skip, ...] = ()
    """Checks that may fail, until a date."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for key, names in (
            ("image", [one.image for one in self.images]),
            ("chart", [one.chart for one in self.charts]),
            ("Secret", [one.name for one in self.secrets]),
            ("skipped check", [one.check for one in self.skip]),
        ):
            twice = [name for name, count in Counter(names).items() if count > 1]
            if twice:
                raise refused(f"{key} {twice[0]} is there twice", "Remove one of the two.")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for key in ("data", "login"):
            if getattr(self, key) is not None and getattr(self.without, key) is not None:
                raise refused(
                    f"{key} is described, and without says that there is none",
                    f"Remove {key}, or {key} in without.",
                )
        return self
