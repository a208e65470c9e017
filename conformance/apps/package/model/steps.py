"""The steps that put an app's data in and look for it: requests, and commands in a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from conformance.apps.package.model.texts import Part, Text
from conformance.apps.package.variables import OF_THE_RUN
from conformance.formats.reading import refused

REQUEST, COMMAND = "<request>", "<command>"
"""The two kinds of steps, as they are called inside of pydantic's errors."""
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _request(value: str) -> str:
    method, _, path = value.partition(" ")
    if method not in _METHODS or not path.startswith("/"):
        raise refused(
            f'"{value}" is not a request',
            f"Write a method ({', '.join(_METHODS)}), a space, and a path that begins with a"
            " slash, as in GET /health.",
        )
    return value


def _saved(value: Mapping[str, str]) -> Mapping[str, str]:
    taken = [name for name in value if name in OF_THE_RUN]
    if taken:
        raise refused(f"${{{taken[0]}}} stands for something already", "Use another name.")
    return value


Status = Annotated[int, Field(strict=True, ge=100, le=599)]
Saved = Annotated[
    Mapping[Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$")], Text],
    AfterValidator(_saved),
]


class RequestStep(Part):
    """A request to the app."""

    request: Annotated[Text, AfterValidator(_request)]
    """A request to the app: method and path, as in `POST /v1/feeds`."""
    user: str | None = None
    """User of HTTP basic authentication."""
    password: str | None = None
    """Password of that user, as in `${secret:miniflux-admin/password}`."""
    headers: Mapping[str, str] = {}
    """Headers of the request."""
    json_: Any = Field(default=None, alias="json")
    """Body, as JSON. A text that is one variable alone has the type of what was saved."""
    form: Mapping[str, str] | None = None
    """Body, as a form."""
    file: Mapping[str, tuple[str, str]] | None = None
    """Files of a form: field, and a list of the file's name and text."""
    body: str | None = None
    """Body, as it is."""
    status: Status | None = None
    """The status of the answer; without it, any of 200 to 299 after redirects."""
    contains: str = ""
    """A text in the answer."""
    save: Saved = Field(default={})
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


class CommandStep(Part):
    """A command in a container of the running app."""

    run: Annotated[tuple[str, ...], Field(min_length=1)]
    """A command in a container, and its arguments; no shell reads them."""
    container: Text | None = None
    """The container; without it, the first one of the pod behind the Ingress."""
    stdin: str = ""
    """What the command reads."""
    contains: str = ""
    """A text in its output."""
    save: Saved = Field(default={})
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


class Data(Part):
    """How data is put into the app, and how it is found there."""

    seed: Steps
    """Steps that put data in, each with `request` or `run`."""
    verify: Steps
    """Such steps, which fail unless the data is there soon."""
