"""Good packages of several styles, and broken and unusual ones made of them (fixtures/)."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from conformance.common.settings import data_root

GOOD = data_root() / "fixtures" / "packages"
BROKEN = data_root() / "fixtures" / "broken"
UNUSUAL = data_root() / "fixtures" / "unusual"


@dataclass(frozen=True)
class Edit:
    """A text of a file, and what stands there instead."""

    path: str
    find: str
    replace: str


@dataclass(frozen=True)
class Case:
    """A good package, broken in one way."""

    rule: str
    number: int
    base: str
    why: str
    edits: list[Edit] = field(default_factory=list)
    add: dict[str, str] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    """Symbolic links -> what each leads to."""
    previous: str = ""
    """BASE: the good package is the earlier version."""
    before: list[Edit] = field(default_factory=list)
    """What both versions have, beside the good package."""
    expect: dict[str, Any] = field(default_factory=dict)
    """Of the finding: ``file``, ``line``, ``object``, ``says``, ``advice``."""
    not_run: list[str] = field(default_factory=list)
    """Rules that cannot be judged any more, as there is nothing left to judge; ``*`` for any."""
    level: int | None = None
    """Of an unusual package, where it is another one than the good package's."""

    def __str__(self) -> str:
        return f"{self.rule}-{self.number}"

    def make(self, folder: Path) -> Path:
        """Write the broken package into ``folder``; return its path."""
        root = self._good(folder / "now")
        self._edit(root, self.edits)
        for path in self.remove:
            (root / path).unlink()
        for path, content in self.add.items():
            file = root / path
            assert not file.exists(), f"{self}: {path} is there already: use edits"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        for path, target in self.links.items():
            (root / path).symlink_to(target)
        return root

    def make_previous(self, folder: Path) -> Path | None:
        """Write the earlier version; None if the broken package is not compared with one."""
        return self._good(folder / "before") if self.previous else None

    def _good(self, folder: Path) -> Path:
        root = folder / self.base
        shutil.copytree(GOOD / self.base, root)
        self._edit(root, self.before)
        return root

    def _edit(self, root: Path, edits: list[Edit]) -> None:
        for edit in edits:
            file = root / edit.path
            content = file.read_text()
            count = content.count(edit.find)
            assert count == 1, f"{self}: {edit.path} has {count} times:\n{edit.find}"
            file.write_text(content.replace(edit.find, edit.replace))


def styles() -> list[str]:
    """Return the names of the good packages."""
    return sorted(path.name for path in GOOD.iterdir() if path.is_dir())


def good_files(style: str) -> Iterator[tuple[str, str]]:
    """Yield the paths and texts of a good package."""
    for file in sorted((GOOD / style).rglob("*")):
        if file.is_file():
            yield file.relative_to(GOOD / style).as_posix(), file.read_text()


def cases() -> list[Case]:
    """Return all broken packages, family by family."""
    found = []
    for file in sorted(BROKEN.glob("*.yaml")):
        for rule, items in yaml.safe_load(file.read_text()).items():
            family = rule.partition(".")[0]
            assert family == file.stem, f"{rule} is in {file.name}: it belongs to {family}.yaml"
            found += [_case(rule, number, item) for number, item in enumerate(items, 1)]
    return found


def unusual() -> list[Case]:
    """Return all good packages that are written in an unusual way."""
    return [
        _case(f"{file.stem}.{name}", 1, item)
        for file in sorted(UNUSUAL.glob("*.yaml"))
        for name, item in yaml.safe_load(file.read_text()).items()
    ]


def case_table(rules: Iterable[str]) -> str:
    """Return docs/rule-cases.md: what each of the rules is tested on."""
    found = cases()
    lines = [
        "# Rules and their cases",
        "",
        "For people who work on the linter's rules: what each is tested on.",
        "",
        "Each rule ([what it wants](levels.md)) finds something on the broken packages in its row "
        "([fixtures/broken](../fixtures/broken/README.md)), and no other rule does. No rule finds "
        f"anything on the {len(styles())} good packages of "
        "[fixtures/packages](../fixtures/packages/README.md), nor on those [at the end]"
        "(#good-packages-that-look-wrong). The page is generated; a test fails if it is stale.",
        "",
        "| Rule | Broken packages |",
        "|---|---|",
    ]
    for rule in rules:
        whys = [f"{one.why} ({one.base})" for one in found if one.rule == rule]
        lines.append(f"| `{rule}` | {'<br>'.join(map(_cell, whys))} |")
    lines += [
        "",
        "## Good packages that look wrong",
        "",
        "The linter once said that something was wrong with these "
        "([fixtures/unusual](../fixtures/unusual/README.md)).",
        "",
        "| Package | What is unusual |",
        "|---|---|",
    ]
    lines += [
        f"| {one.rule.partition('.')[2]} | {_cell(one.why)} ({one.base}) |" for one in unusual()
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _case(rule: str, number: int, item: dict[str, Any]) -> Case:
    edits = {key: [Edit(**one) for one in item.pop(key, [])] for key in ("edits", "before")}
    case = Case(rule=rule, number=number, **edits, **item)
    assert case.base in styles(), f"{case}: there is no package {case.base}"
    assert case.previous in ("", "BASE"), f"{case}: previous can be BASE only"
    assert case.edits or case.add or case.remove or case.links, f"{case} breaks nothing"
    return case
