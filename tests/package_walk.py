"""docs/package-an-app.md, taken literally: its files, its changes to them, its commands in order.

A file is a block of code below its path. A change to a file is such a block in the language
``diff``: its hunks have no line numbers, so what each begins with is in the file exactly once. A
command is a line with ``$`` in a block in the language ``console``; below it is what it says.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.common.settings import PROJECT_ROOT

DOCUMENT = PROJECT_ROOT / "docs" / "package-an-app.md"
PROGRAM = "stackspin-conformance"
_BLOCK = re.compile(
    r"(?:^`(?P<path>[^`\n]+)`\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_DIFFERS = re.compile(r"\d+(\.\d+)? s\b|\d{8}T\d{6}Z-\w+")
"""Durations, and the names of runs' folders."""
_LEFT_OUT = "..."


@dataclass(frozen=True)
class File:
    """A file that somebody writes."""

    path: str
    text: str

    def do(self, folder: Path) -> None:
        file = folder / self.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.text)


@dataclass(frozen=True)
class Change:
    """What somebody changes in a file."""

    path: str
    hunks: tuple[tuple[str, str], ...]
    """What is there before, and what is there after."""

    def do(self, folder: Path) -> None:
        file = folder / self.path
        for before, after in self.hunks:
            text = file.read_text()
            found = text.count(before)
            assert found == 1, f"{self.path} has this {found} times:\n{before}"
            file.write_text(text.replace(before, after))


@dataclass(frozen=True)
class Command:
    """What somebody runs, and what it says."""

    arguments: tuple[str, ...]
    """Those of the suite's program; the page runs no other."""
    said: str

    @property
    def needs_cluster(self) -> bool:
        return "--cluster" in self.arguments or self.arguments[0] == "cluster"

    def assert_said(self, output: str) -> None:
        """Compare without line ends, durations and names of runs; ``...`` is anything."""
        parts = [_plain(part) for part in self.said.split(_LEFT_OUT)]
        pattern = ".*?".join(re.escape(part) for part in parts)
        assert re.fullmatch(pattern, _plain(output)), (
            f"{shlex.join(self.arguments)} does not say what {DOCUMENT.name} has, but:\n{output}"
        )


Step = File | Change | Command


def steps(document: str) -> Iterator[Step]:
    """Yield what the page has its readers do, in its order."""
    for block in _BLOCK.finditer(document):
        path, language, text = block["path"], block["language"], block["text"]
        if language == "console":
            yield from _commands(text)
        elif path is None:
            continue
        elif language == "diff":
            hunks = re.split(r"^@@\n", text, flags=re.MULTILINE)
            yield Change(path, tuple(map(_hunk, hunks)))
        else:
            yield File(path, text)


def _commands(text: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, said = part.partition("\n")
        program, *arguments = shlex.split(line)
        assert program == PROGRAM, f"a test cannot run {line}"
        yield Command(tuple(arguments), said)


def _hunk(text: str) -> tuple[str, str]:
    lines = text.splitlines(keepends=True)
    unknown = [line for line in lines if line[0] not in " +-"]
    assert not unknown, f"lines of a diff begin with a blank, + or -: {unknown}"
    return (
        "".join(line[1:] for line in lines if line[0] != "+"),
        "".join(line[1:] for line in lines if line[0] != "-"),
    )


def _plain(text: str) -> str:
    return _DIFFERS.sub("N", " ".join(text.split()))
