"""Where the result goes, and in which form."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from conformance.common.errors import HarnessError
from conformance.linter import views
from conformance.linter.views.look import Look
from conformance.linter.views.terminal import to_terminal

if TYPE_CHECKING:
    import argparse

    from conformance.linter.earlier import Earlier
    from conformance.linter.result import Result

_Write = Callable[[Any, "Result", "Judgement", Path], str]
"""Takes a view's module, the result, what is said beside it, and the folder it is written to."""
_WRITTEN: Mapping[str, tuple[str, _Write]] = {
    "json": ("json_view", lambda view, result, _, folder: view.to_json(result, folder)),
    "junit": (
        "junit",
        lambda view, result, said, folder: view.to_junit(result, said.level, folder),
    ),
    "html": ("html", lambda view, result, _, folder: view.to_html(result, folder)),
    "sarif": ("sarif", lambda view, result, _, __: view.to_sarif(result)),
    "markdown": (
        "markdown",
        lambda view, result, said, _: view.to_markdown(result, said.earlier, passed=said.passed),
    ),
    "changes": ("object_changes", lambda view, result, _, __: view.to_changes(result)),
}
"""Form of a file -> the module with its view, and how that is called."""
FORMATS = ("terminal", *_WRITTEN)


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


def _view(result: Result, form: str, look: Look, judgement: Judgement, folder: Path) -> str:
    """Return the result in this form; what a form needs is imported only for it.

    Links to a run's report are relative to ``folder``; in the terminal, to where one is.
    """
    if form not in _WRITTEN:
        return to_terminal(result, look)
    module, write = _WRITTEN[form]
    view = importlib.import_module(f"{views.__name__}.{module}")
    return write(view, result, judgement, folder)
