"""The commands that the documents show, and how a test runs them, as far as none takes a cluster.

A block in the language ``sh`` is a command a line, one in ``console`` is those after ``$`` and what
they say. What no test runs has the reason in a comment above the block, which readers do not see.
"""

from __future__ import annotations

import configparser
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.common.settings import PROJECT_ROOT

WALK = PROJECT_ROOT / "docs" / "package-an-app.md"
"""Taken literally, with its files: package_walk."""
DOCUMENTS = [
    PROJECT_ROOT / "README.md",
    PROJECT_ROOT / "CONTRIBUTING.md",
    *sorted((PROJECT_ROOT / "docs").glob("*.md")),
]
PLACEHOLDERS = {"PATH": "charts/notes", "FILE": "kubeconfig"}
"""What stands for something of the reader's, and what a test has there."""
_BLOCK = re.compile(
    r"^(?P<indent> *)(?:<!-- not run by a test: (?P<why>[^>]+) -->\n *)?"
    r"```(?P<language>sh|console)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Shown:
    """A command of a document."""

    document: str
    line: str
    said: str = ""
    """What the document says that it says; empty: nothing."""
    not_run: str = ""
    """Why no test runs it."""

    @property
    def words(self) -> list[str]:
        words = [word.removesuffix("...") for word in shlex.split(self.line, comments=True)]
        return [re.sub(r"\b[A-Z]{4,}$", _placeholder, word) for word in words]

    def __str__(self) -> str:
        return f"{self.document}: {shlex.join(shlex.split(self.line, comments=True))}"


def commands(document: Path) -> Iterator[Shown]:
    """Yield the commands that a document shows."""
    for block in _BLOCK.finditer(document.read_text(encoding="utf-8")):
        text, why = block["text"].replace("\\\n", ""), block["why"] or ""
        if block["language"] == "console":
            if document == WALK:
                continue
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                line, _, said = part.partition("\n")
                yield Shown(document.name, line, said, why)
        else:
            for line in filter(None, map(str.strip, text.splitlines())):
                yield Shown(document.name, line, not_run=why)


def all_commands() -> list[Shown]:
    return [one for document in DOCUMENTS for one in commands(document)]


def without_tox(words: list[str]) -> list[str]:
    """Return what tox runs for ``./bootstrap tox -e ENVIRONMENT -- ARGUMENTS``."""
    own, _, given = " ".join(map(shlex.quote, words)).partition(" -- ")
    options = own.split()[2:]
    if not options:
        return ["tox"]
    assert options[:-1] == ["-e"], own
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(PROJECT_ROOT / "tox.ini")
    (command,) = tox[f"testenv:{options[1]}"]["commands"].strip().splitlines()[:1]
    return shlex.split(command.replace("{posargs}", given))


def _placeholder(found: re.Match[str]) -> str:
    return PLACEHOLDERS.get(found[0], found[0])
