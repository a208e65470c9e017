"""What the sources of checks say, without importing or collecting them."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import conformance

PACKAGE = Path(conformance.__file__).parent
CAPABILITIES = PACKAGE / "capabilities"
_CHECK = re.compile(r'@check\(\s*"([a-z0-9_.]+)"')


@functools.cache
def sources() -> dict[str, str]:
    """Return the source of each check with that of the fixtures it asks for, by the check's id."""
    return {
        found[1]: "\n".join([text, *_fixtures(node, _functions_of(folder))])
        for folder in _folders()
        for path in folder.glob("test_*.py")
        for node, text in _functions(path)
        if (found := _CHECK.search(text))
    }


def capabilities_with(pattern: str) -> set[str]:
    """Return the capabilities with the pattern in a check, a fixture of one, or a module.

    Modules with defects do not count.
    """
    in_checks = {
        name.partition(".")[0] for name, text in sources().items() if re.search(pattern, text)
    }
    return in_checks | {
        folder.name
        for folder in _folders()
        for path in folder.glob("*.py")
        if not path.stem.startswith("defects") and re.search(pattern, path.read_text())
    }


def _folders() -> list[Path]:
    return sorted(path.parent for path in CAPABILITIES.glob("*/conftest.py"))


@functools.cache
def _functions(path: Path) -> list[tuple[ast.FunctionDef, str]]:
    lines = path.read_text().splitlines()
    return [
        (node, "\n".join(lines[_first(node) - 1 : node.end_lineno]))
        for node in ast.parse("\n".join(lines)).body
        if isinstance(node, ast.FunctionDef)
    ]


def _first(node: ast.FunctionDef) -> int:
    return min(each.lineno for each in (node, *node.decorator_list))


@functools.cache
def _functions_of(folder: Path) -> dict[str, tuple[ast.FunctionDef, str]]:
    shared = sorted((PACKAGE / "suite").glob("*fixtures.py"))
    paths = [*shared, folder / "conftest.py"]
    return {node.name: (node, text) for path in paths for node, text in _functions(path)}


def _fixtures(
    check: ast.FunctionDef, fixtures: dict[str, tuple[ast.FunctionDef, str]]
) -> Iterator[str]:
    wanted, seen = [each.arg for each in check.args.args], set[str]()
    while wanted:
        name = wanted.pop()
        if name in seen or name not in fixtures:
            continue
        seen.add(name)
        node, text = fixtures[name]
        wanted += [each.arg for each in node.args.args]
        yield text
