"""The report that somebody names, by its file or folder."""

from __future__ import annotations

import contextlib
from pathlib import Path

from pydantic import ValidationError

from conformance.common.errors import HarnessError
from conformance.common.given_files import parse_json, read_text
from conformance.common.visible import shown
from conformance.report.model import RunReport

FILE = "report.json"
VERSION = str(RunReport.model_fields["schema_version"].default)
"""Of the schema that this version of the suite reads and writes."""
_VERSION = 100
"""Characters of a version that are shown."""


def given(path: Path) -> tuple[Path, RunReport]:
    """Return where the report is, and the report.

    Raises:
        HarnessError: there is none, or this version of the suite cannot read it.
    """
    file, text = text_of(path, f"give a {FILE} or its folder")
    try:
        return file, RunReport.model_validate_json(text)
    except ValidationError as error:
        with contextlib.suppress(ValueError):
            refuse_other_versions(file, parse_json(text))
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise HarnessError(
            f"{file} is not a report: {shown(where)}: {first['msg']}",
            f"give the {FILE} of a run, as the run wrote it, or its folder",
        ) from error


def text_of(path: Path, to_do: str) -> tuple[Path, str]:
    """Return the file that ``path`` names, which of a folder is its report, and the file's text.

    Raises HarnessError, with ``to_do``, if it cannot be read.
    """
    file = path
    try:
        with contextlib.suppress(IsADirectoryError):
            return file, read_text(file)
        file = path / FILE
        return file, read_text(file)
    except OSError as error:
        raise HarnessError(f"{file} cannot be read: {error.strerror}", to_do) from error


def refuse_other_versions(file: Path, document: object) -> None:
    """Raise HarnessError if a file's ``document`` is a report of another version of the schema."""
    if not isinstance(document, dict):
        return
    version = document.get("schemaVersion")
    if version not in (None, VERSION):
        suite = document.get("suiteVersion", "which the report does not name")
        version, suite = (shown(str(one))[:_VERSION] for one in (version, suite))
        raise HarnessError(
            f"{file} has schema version {version}, and this version of the suite reads {VERSION}",
            f"use the version of the suite that wrote it: {suite}",
        )
