"""A file of one YAML document that people write, read with limits: it may be hostile."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from pathlib import Path

from conformance.common.errors import HarnessError
from conformance.common.given_files import read_start
from conformance.linter.findings import Place, Problem
from conformance.linter.limits import Limits
from conformance.linter.reading.documents import Document, parse
from conformance.linter.reading.tree import decode

_DEFAULT = Limits()


class FormatError(HarnessError):
    """A file that cannot be used: everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem], explained_in: str) -> None:
        self.problems = tuple(problems)
        """Each with its file, line, what is wrong and what to do."""
        lines = [in_one_line(one) for one in self.problems]
        super().__init__("\n".join(lines), f"{explained_in} explains every key")


def in_one_line(problem: Problem) -> str:
    """Return a problem as people read it."""
    place = problem.place
    line = f", line {place.line}" if place.line else ""
    return f"{place.file}{line}: {problem.message}. {problem.fix}".strip()


def read_document(
    path: Path, about: str, limits: Limits = _DEFAULT
) -> tuple[Document | None, list[Problem]]:
    """Return the only document of a file, or what is wrong with the file.

    None without a problem: the file says nothing. ``about`` is what one file describes, as in "one
    app".
    """

    def wrong(message: str, fix: str, line: int = 0) -> tuple[None, list[Problem]]:
        return None, [Problem(Place(str(path), line), message, fix)]

    try:
        content = read_start(path, limits.file_bytes + 1, follow=False)
    except OSError as error:
        fix = "Give the path of a file that can be read."
        if error.errno == errno.ELOOP:
            fix = "Give a file, not a link to one."
        return wrong(f"the file cannot be read: {error.strerror}", fix)
    if len(content) > limits.file_bytes:
        return wrong(
            f"the file has more than {limits.file_bytes} bytes", f"Describe {about} in it."
        )
    text = decode(content)
    if text is None:
        return wrong("the file is not UTF-8 text", "Save it as UTF-8 text.")
    documents, problems = parse(text, str(path), limits)
    if problems:
        return None, problems
    if len(documents) > 1:
        line = documents[1].line()
        return wrong("the file has more than one document", f"Describe {about} in a file.", line)
    return (documents[0] if documents else None), []
