"""A capability's fixture does not hide one of the suite's: others would get the wrong one."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import conformance

PACKAGE = Path(conformance.__file__).parent
SUITE = sorted((PACKAGE / "suite").glob("*.py"))
CAPABILITIES = sorted((PACKAGE / "capabilities").glob("*/*.py"))


def fixtures(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each fixture in a module's source, and the type of what it is."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and any(
            "pytest.fixture" in ast.unparse(each) for each in node.decorator_list
        ):
            kind = ast.unparse(node.returns) if node.returns else ""
            yield node.name, kind.removeprefix("Iterator[").removesuffix("]" * ("Iterator" in kind))


def hiding(text: str, others: Mapping[str, str]) -> list[str]:
    """Return the fixtures in a source that have the name of another one, and another type."""
    return [name for name, kind in fixtures(text) if others.get(name, kind) != kind]


def test_what_hides_another_fixture_is_found() -> None:
    suite = "@pytest.fixture(scope='session')\ndef clients() -> Iterator[Clients]: ...\n"
    for text, found in (
        ("@pytest.fixture\ndef clients() -> list[AppClient]: ...\n", ["clients"]),
        ("@pytest.fixture\ndef clients() -> Clients: ...\n", []),
        ("def clients() -> int: ...\n", []),
    ):
        assert hiding(text, dict(fixtures(suite))) == found


@pytest.fixture(scope="module")
def of_the_suite() -> dict[str, str]:
    texts = [one.read_text(encoding="utf-8") for one in SUITE]
    return {name: kind for text in texts for name, kind in fixtures(text)}


@pytest.mark.parametrize("path", CAPABILITIES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_capability_hides_a_fixture_of_the_suite(
    path: Path, of_the_suite: dict[str, str]
) -> None:
    assert "clients" in of_the_suite
    assert not hiding(path.read_text(encoding="utf-8"), of_the_suite)
