"""What ``conformance.yaml`` may say of an app: its keys, their types and their meaning.

The JSON schema and the table of keys in docs/app-packages.md are made of these models.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import PurePosixPath
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from conformance.apps.package.variables import OF_THE_RUN
from conformance.formats.reading import refused

LONGEST_SKIP = timedelta(days=731)
"""Nobody knows today why a check of more than two years from now should be skipped."""
REQUEST, COMMAND = "<request>", "<command>"
"""The two kinds of steps, as they are called inside of pydantic's errors."""
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_HOST = re.compile(r"(?:[a-z0-9-]|\.|\$\{domain\})+")
_URI = re.compile(r"/[A-Za-z0-9._~%/?=&+-]*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _path(value: str) -> str:
    if not value.startswith("/"):
        raise refused(f'"{value}" is not a path at the host', "Begin it with a slash.")
    return value


def _uri(value: str) -> str:
    if not _URI.fullmatch(value):
        raise refused(
            f'"{value}" is not a URI at the host',
            "Write it without https:// and host: begin with a slash; no spaces, no variables.",
        )
    return value


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise refused(
            f'"{value}" is not a host name',
            "Write the name alone, without https:// and path, as in notes.${domain}.",
        )
    return value


def _request(value: str) -> str:
    method, _, path = value.partition(" ")
    if method not in _METHODS or not path.startswith("/"):
        raise refused(
            f'"{value}" is not a request',
            f"Write a method ({', '.join(_METHODS)}), a space, and a path that begins with a"
            " slash, as in GET /health.",
        )
    return value


def _place(value: str) -> str:
    if PurePosixPath(value).is_absolute() or "\0" in value:
        raise refused(
            f'"{value}" is not a path inside the package',
            "Write it relative to the folder of this file.",
        )
    return value


def _day(value: object) -> object:
    if isinstance(value, str) and _DATE.fullmatch(value):
        return value
    raise refused(f'"{value}" is not a date', "Write it as in 2027-01-31.")


def _saved(value: Mapping[str, str]) -> Mapping[str, str]:
    taken = [name for name in value if name in OF_THE_RUN]
    if taken:
        raise refused(f"${{{taken[0]}}} stands for something already", "Use another name.")
    return value


Text = Annotated[str, StringConstraints(min_length=1)]
HttpPath = Annotated[Text, AfterValidator(_path)]
LocalUri = Annotated[Text, AfterValidator(_uri)]
Host = Annotated[Text, AfterValidator(_host)]
Place = Annotated[Text, AfterValidator(_place)]
Status = Annotated[int, Field(strict=True, ge=100, le=599)]
Saved = Annotated[
    Mapping[Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$")], Text],
    AfterValidator(_saved),
]


class _Part(BaseModel):
    """A mapping of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Serves(_Part):
    """A request that proves that the app serves."""

    path: HttpPath
    """A path at the app's host."""
    status: Status = 200
    """The status of the answer."""
    contains: str = ""
    """A text in the answer."""


class Image(_Part):
    """An image that no registry has, under the name that the package uses."""

    image: Text
    """Its name, as in `docker.io/stackspin/miniflux:2.3.5`."""
    context: Place | None = None
    """A folder with a Dockerfile to build it from, relative to this file."""
    archive: Place | None = None
    """A file with the image in it (OCI or docker archive), relative to this file."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.context is None) == (self.archive is None):
            both = "both context and archive" if self.context else "neither context nor archive"
            raise refused(
                f"image {self.image} has {both}",
                "Give it a context (a folder with a Dockerfile) or an archive, one of the two.",
            )
        return self


class Chart(_Part):
    """A chart of a HelmRepository or an OCI registry, and what is used in its place."""

    chart: Text
    """Its name in the HelmRelease."""
    path: Place
    """The folder or `.tgz` that is used in its place, relative to this file."""


class Secret(_Part):
    """A Secret that an operator makes by hand before."""

    name: Text
    """Its name in the app's namespace."""
    data: Mapping[str, str]
    """Its keys and values; `${generated}` is a random word, another one for each key."""


class RequestStep(_Part):
    """A request to the app."""

    request: Annotated[Text, AfterValidator(_request)]
    """Method and path, as in `POST /v1/feeds`."""
    user: str | None = None
    """User of HTTP basic authentication."""
    password: str | None = None
    """Password of that user, as in `${secret:miniflux-admin/password}`."""
    headers: Mapping[str, str] = {}
    """Headers of the request."""
    json_: Any = Field(default=None, alias="json")
    """Body: as JSON. A text that is one variable alone has the type of what was saved."""
    form: Mapping[str, str] | None = None
    """Body: as a form."""
    file: Mapping[str, tuple[str, str]] | None = None
    """Files of a form: field, and a list of the file's name and text."""
    body: str | None = None
    """Body: as it is."""
    status: Status | None = None
    """The status of the answer; without it, any of 200 to 299 after redirects."""
    contains: str = ""
    """A text in the answer."""
    save: Saved = {}
    """Names, and where in the JSON answer their values are: `items.0.id`; `.` is all of it."""

    @property
    def text(self) -> str:
        """How people call the step: as it is written, so that no secret is in it."""
        return self.request

    @model_validator(mode="after")
    def _fits(self) -> Self:
        bodies = [self.json_ is not None, self.body is not None]
        bodies += [self.form is not None or self.file is not None]
        if sum(bodies) > 1:
            raise refused(
                f"{self.request} has more than one body",
                "Use json, body, or form and file.",
            )
        if (self.user is None) != (self.password is None):
            raise refused(
                f"{self.request} has a user or a password, but not both",
                "Give both, or none for a request without HTTP basic authentication.",
            )
        return self


class CommandStep(_Part):
    """A command in a container of the running app."""

    run: Annotated[tuple[str, ...], Field(min_length=1)]
    """The command and its arguments; no shell reads them."""
    container: Text | None = None
    """The container; without it, the first one of the pod behind the Ingress."""
    stdin: str = ""
    """What the command reads."""
    contains: str = ""
    """A text in its output."""
    save: Saved = {}
    """Names, and where in the output (JSON) their values are; `.` is all of it, stripped."""

    @property
    def text(self) -> str:
        """How people call the step: as it is written, so that no secret is in it."""
        return f"run {' '.join(self.run)}"


def _kind(value: object) -> str | None:
    if isinstance(value, RequestStep | CommandStep):
        return REQUEST if isinstance(value, RequestStep) else COMMAND
    keys = value if isinstance(value, Mapping) else {}
    kinds = [tag for key, tag in (("request", REQUEST), ("run", COMMAND)) if key in keys]
    return kinds[0] if len(kinds) == 1 else None


Step = Annotated[
    Annotated[RequestStep, Tag(REQUEST)] | Annotated[CommandStep, Tag(COMMAND)],
    Discriminator(
        _kind,
        custom_error_type="refused",
        custom_error_message="a step has either a request or a run",
        custom_error_context={"fix": "Write request: GET /path, or run: [command, argument]."},
    ),
]
Steps = Annotated[tuple[Step, ...], Field(min_length=1)]


class Data(_Part):
    """How data is put into the app, and how one sees that it is there."""

    seed: Steps
    """Steps that put data in."""
    verify: Steps
    """Steps of the same kinds, which fail unless the data is there soon."""


class User(_Part):
    """A page that shows who is logged in."""

    path: HttpPath
    """Its path."""
    contains: Text = "${email}"
    """A text that only the page of that user has."""


class Logout(_Part):
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


class Login(_Part):
    """How people log in through the platform."""

    begin: HttpPath
    """The path where a login begins."""
    user: User
    """A page that shows who is logged in."""
    logout: Logout
    """How somebody logs out."""
    redirect_uri: LocalUri | None = None
    """For a chart alone: the path of its client's redirect URI."""
    backchannel_logout_uri: LocalUri | None = None
    """For a chart alone: the path where the app is told that somebody has logged out elsewhere."""


class Without(_Part):
    """What the app does not have by its nature, and why: its checks are not applicable."""

    data: Text | None = None
    """Why it keeps nothing."""
    login: Text | None = None
    """Why nobody logs in."""


class Skip(_Part):
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


class Description(_Part):
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
    """How data is put in, and how one sees that it is there."""
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
