"""The file ``conformance.yaml``: where it lies, and what it may name; the keys are of others.

A package is untrusted input: the file is read with limits, and names nothing outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from conformance.linter.access import walk
from conformance.linter.findings import Place, Problem, quoted
from conformance.linter.limits import Limits
from conformance.linter.reading import one_document
from conformance.linter.reading.documents import Document
from conformance.linter.reading.one_document import FormatError

FILE = "conformance.yaml"
_GIT = ".git"
_DEFAULT = Limits()


class DescriptionError(FormatError):
    """A description that cannot be used: everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__(problems, "docs/app-packages.md")


def descriptions(package_root: Path, folders: Iterable[str]) -> Iterator[Path]:
    """Yield the descriptions in these folders, and the one at the root, in this order.

    The folders are relative to ``package_root``; of a file, its folder counts.
    """
    for place in (*(package_root / folder for folder in folders), package_root):
        path = (place if place.is_dir() else place.parent) / FILE
        if path.is_file():
            yield path


def read_document(path: Path, limits: Limits = _DEFAULT) -> Document | None:
    """Return what is in a description; None if it is empty. Raises DescriptionError."""
    document, problems = one_document.read_document(path, "one app", limits)
    if problems:
        raise DescriptionError(problems)
    return document


def located(written: str, description: Path, package_root: Path) -> Path:
    """Return the file or folder that a description names, relative to its own folder.

    Raises DescriptionError if it does not exist, or is neither below the description's folder, nor
    in the package or the Git checkout that this belongs to: a package may not read what else is on
    this machine. Where links lead counts, not where they are.
    """
    try:
        found = (description.parent / written).resolve()
    except (ValueError, OSError, RuntimeError):  # not a name, or links that lead to one another
        raise _wrong(f"{quoted(written)} is not a path", written, description) from None
    allowed = [one.resolve() for one in (description.parent, package_root)]
    if (checkout := checkout_of(package_root)) is not None:
        allowed.append(checkout)
    homes = [one for one in allowed if found.is_relative_to(one)]
    problem = ""
    if not homes:
        there = "" if checkout is None else ", and of the Git checkout that this is in"
        problem = f"{quoted(written)} is outside of the package{there}"
    # What Git keeps beside the files may hold somebody's password for its server.
    elif any(_GIT in found.relative_to(one).parts for one in homes):
        problem = f"{quoted(written)} is in Git's own folder"
    elif not found.exists():
        problem = f"{quoted(written)} does not exist"
    if problem:
        raise _wrong(problem, written, description)
    return found


def _wrong(problem: str, written: str, description: Path) -> DescriptionError:
    fix = f"Name a file or folder of the package, relative to the folder of {description.name}."
    place = Place(str(description), line_of(written, description))
    return DescriptionError([Problem(place, problem, fix)])


def checkout_of(package_root: Path) -> Path | None:
    """Return the top folder of the Git checkout that a package belongs to; None: it has none."""
    root = package_root.resolve()
    # It is a file in a worktree and in a submodule.
    return next((one for one in (root, *root.parents) if (one / _GIT).exists()), None)


def line_of(written: object, description: Path) -> int:
    """Return the line of a description that a value stands in; 0: in none."""
    document = read_document(description)
    if document is None:
        return 0
    places = walk(document.value)
    return next((document.line(path) for path, value in places if value == written), 0)
