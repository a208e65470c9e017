"""Where the result goes, and in which form."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from conformance.common.errors import HarnessError
from conformance.linter.views.json_view import to_json
from conformance.linter.views.look import Look
from conformance.linter.views.terminal import to_terminal

if TYPE_CHECKING:
    import argparse

    from conformance.linter.earlier import Earlier
    from conformance.linter.result import Result

FORMATS = ("terminal", "json", "junit", "html", "sarif", "markdown", "changes")


def show(text: str, stream: TextIO | None = None) -> None:
    """Print a text; what the terminal's encoding has no character for is escaped."""
    stream = stream or sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:  # as in ``app PATH | head``; Python would complain at its end
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@dataclass(frozen=True)
class Judgement:
    """What some views say beside the result."""

    level: int | None = None
    """The level that every app is to have; None: the one that its errors leave it."""
    earlier: Earlier | None = None
    """What the result is compared with."""
    passed: bool = True
    """Whether the exit status is 0."""


def report(result: Result, given: argparse.Namespace, judgement: Judgement) -> None:
    """Show the result, or write it to ``--output``. Raises HarnessError if that fails."""
    look = Look.of(sys.stdout)
    if given.output is None:
        show(_view(result, given.format, look, judgement, Path()))
        return
    try:
        text = _view(result, given.format, Look(), judgement, given.output.parent)
        given.output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise HarnessError(
            f"{given.output} cannot be written: {error.strerror}", "name another file"
        ) from None
    show(_view(result, FORMATS[0], look, judgement, Path()))


def _view(  # noqa: PLR0911 - one for each form
    result: Result, form: str, look: Look, judgement: Judgement, folder: Path
) -> str:
    """Return the result in this form; what a form needs is imported only for it.

    Links to a run's report are relative to ``folder``; in the terminal, to where one is.
    """
    if form == "json":
        return to_json(result, folder)
    if form == "junit":
        from conformance.linter.views.junit import to_junit  # noqa: PLC0415

        return to_junit(result, judgement.level, folder)
    if form == "html":
        from conformance.linter.views.html import to_html  # noqa: PLC0415

        return to_html(result, folder)
    if form == "sarif":
        from conformance.linter.views.sarif import to_sarif  # noqa: PLC0415

        return to_sarif(result)
    if form == "markdown":
        from conformance.linter.views.markdown import to_markdown  # noqa: PLC0415

        return to_markdown(result, judgement.earlier, passed=judgement.passed)
    if form == "changes":
        from conformance.linter.views.object_changes import to_changes  # noqa: PLC0415

        return to_changes(result)
    return to_terminal(result, look)
