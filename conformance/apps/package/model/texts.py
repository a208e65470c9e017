"""What the keys of ``conformance.yaml`` are made of: mappings, and texts of a form."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from conformance.formats.reading import refused

_HOST = re.compile(r"(?:[a-z0-9-]|\.|\$\{domain\})+")
_URI = re.compile(r"/[A-Za-z0-9._~%/?=&+-]*")


class Part(BaseModel):
    """A mapping of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


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


def _place(value: str) -> str:
    if PurePosixPath(value).is_absolute() or "\0" in value:
        raise refused(
            f'"{value}" is not a path inside the package',
            "Write it relative to the folder of this file.",
        )
    return value


Text = Annotated[str, StringConstraints(min_length=1)]
HttpPath = Annotated[Text, AfterValidator(_path)]
LocalUri = Annotated[Text, AfterValidator(_uri)]
Host = Annotated[Text, AfterValidator(_host)]
Place = Annotated[Text, AfterValidator(_place)]
