"""YAML with its lines; hostile YAML costs nothing and says what is wrong."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from conformance.common.settings import PROJECT_ROOT
from conformance.linter.limits import Limits
from conformance.linter.reading.documents import Document, parse

Found = TypeVar("Found")
FILES = sorted((PROJECT_ROOT / "fixtures" / "flux2").rglob("*.yaml"))


def one(text: str, **options: Any) -> Document:
    """Return the only document of a text that is in order."""
    documents, problems = parse(text, "a.yaml", **options)
    assert problems == []
    assert len(documents) == 1
    return documents[0]


def told(text: str, limits: Limits | None = None) -> list[tuple[int, str]]:
    """Return lines and messages of what is wrong with a text."""
    problems = parse(text, "a.yaml", limits or Limits())[1]
    assert all(problem.place.file == "a.yaml" for problem in problems)
    return [(problem.place.line, problem.message) for problem in problems]


def value(text: str) -> Any:
    return one(f"x: {text}\n").value["x"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_reads_what_the_plain_loader_reads(path: Path) -> None:
    documents, problems = parse(path.read_text(), "x")
    assert problems == []
    expected = [document for document in yaml.safe_load_all(path.read_text()) if document]
    assert [document.value for document in documents] == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_line_is_that_of_its_key(path: Path) -> None:
    lines = path.read_text().split("\n")

    def look(document: Document, here: Any, place: tuple[str | int, ...]) -> None:
        if isinstance(here, dict):
            for key, inner in here.items():
                assert key in lines[document.line((*place, key)) - 1]
                look(document, inner, (*place, key))
        elif isinstance(here, list):
            for index, inner in enumerate(here):
                look(document, inner, (*place, index))

    for document in parse(path.read_text(), "x")[0]:
        look(document, document.value, ())


def test_lines_of_what_is_there_and_what_is_not() -> None:
    document = one("# a\na: 1\nb:\n  c:\n    - d: 1\n      e: 2\n    - 3\n")
    assert document.line() == 2
    assert document.line(("b",)) == 3
    assert document.line(("b", "c")) == 4
    assert document.line(("b", "c", 0)) == 5
    assert document.line(("b", "c", 0, "e")) == 6
    assert document.line(("b", "c", 1)) == 7
    assert document.line(("b", "c", 0, "missing", "deeper")) == 5
    assert document.line(("missing",)) == 2
    assert document.line(("b", "c", 9)) == 4
    assert document.line(("b", 0)) == 3
    assert document.has(("b", "c", 1))
    assert document.has(())
    assert not document.has(("b", "c", 2))
    assert not document.has(("b", "c", -1))
    assert not document.has(("a", "b"))
    assert not document.has(("b", 0))
    assert one("a:\n").has(("a",))


def test_lines_count_from_where_the_text_starts() -> None:
    documents, problems = parse("a: 1\n---\nb: [\n", "a.yaml", first_line=10)
    assert documents[0].line(("a",)) == 10
    assert problems[0].place.line == 12


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", True),
        ("Off", False),
        ("'yes'", "yes"),
        ("y", "y"),
        ("~", None),
        ("", None),
        ("0640", 0o640),
        ("0o640", 0o640),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-1.5e-3", -0.0015),
        ("08", 8.0),
        ("22:22", "22:22"),
        ("2020-01-01", "2020-01-01"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("9" * 5000, "9" * 5000),
        ("18446744073709551616", 18446744073709551616.0),
        ("-", None),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ("!Ref name", "name"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("!!float 5", 5.0),
        ("!!int abc", "abc"),
        ("!!timestamp 2020-01-01", "2020-01-01"),
        ("!!binary aGk=", "aGk="),
        ("!!python/object/apply:os.system [ls]", ["ls"]),
        ("!!set {a, b}", {"a": None, "b": None}),
    ],
)
def test_scalars_are_what_kubernetes_reads(text: str, expected: object) -> None:
    if text == "-":
        expected = [None]
        text = "\n- "
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)
    json.dumps(found, allow_nan=False)


def test_keys_are_strings() -> None:
    keys = one("1: a\ntrue: b\n~: c\n1.5: d\n2020-01-01: e\n").value
    assert list(keys) == ["1", "true", "null", "1.5", "2020-01-01"]
    assert "is there twice, first on line 1" in told("true: a\non: b\n")[0][1]


def test_merge_keys_are_merged() -> None:
    document = one(
        "a: &a {x: 1, y: 2}\nb: &b\n  z: 3\n  x: 9\nc:\n  y: 5\n  <<: [*a, *b]\nd: '<<'\n"
    )
    assert document.value["c"] == {"x": 1, "y": 5, "z": 3}
    assert document.line(("c", "y")) == 6
    assert document.line(("c", "z")) == 3
    assert one("'<<': 1\n").value == {"<<": 1}
    wanted = '"<<" must be followed by an alias of a mapping, or a list of such aliases'
    assert told("a: {<<: 1}\n") == [(1, wanted)]


def test_aliases_have_the_lines_of_what_they_stand_for() -> None:
    document = one("a: &a\n  x: 1\nb: *a\n*k : 1\n".replace("*k", "k"))
    assert document.value["b"] == {"x": 1}
    assert document.line(("b",)) == 3
    assert document.line(("b", "x")) == 2
    assert one("a: &x k\n*x : 2\n").value == {"a": "k", "k": 2}


def test_empty_documents_are_dropped() -> None:
    assert parse("", "x") == ([], [])
    assert parse("# only this\n", "x") == ([], [])
    assert parse("---\n---\n# nothing\n---\n~\n---\n...\n", "x") == ([], [])
    assert [document.value for document in parse("---\na: 1\n---\n---\nb: 2\n...\n", "x")[0]] == [
        {"a": 1},
        {"b": 2},
    ]


def test_windows_files_are_read() -> None:
    document = one("\ufeffa: 1\r\nb:\r\n  c: |\r\n    x\r\n    y\r\n")
    assert document.value == {"a": 1, "b": {"c": "x\ny\n"}}
    assert document.line(("b", "c")) == 3


def test_yaml_inside_a_literal_block_has_the_lines_of_the_file() -> None:
    text = "data:\n  values.yaml: |-  # values\n\n    a: 1\n    b:\n      - c: 2\n  other: 1\n"
    (inner,), problems = one(text).inner(("data", "values.yaml"))
    assert problems == []
    assert inner.file == "a.yaml"
    assert inner.value == {"a": 1, "b": [{"c": 2}]}
    assert [inner.line(path) for path in (("a",), ("b",), ("b", 0, "c"))] == [4, 5, 6]
    broken = one("data:\n  values.yaml: |\n    a: 1\n    b: [\n").inner(("data", "values.yaml"))
    assert broken[0] == []
    assert broken[1][0].place.line == 4


def test_yaml_inside_any_other_text_has_the_line_of_its_key() -> None:
    for text in ('"a: 1\\nb: [x]\\n"', ">\n      a: 1\n\n      b: [x]\n", "'a: 1\n\n    b: [x]'"):
        document = one(f"x: 1\ndata:\n  values.yaml: {text}\n")
        inner = document.inner(("data", "values.yaml"))[0][0]
        assert inner.value == {"a": 1, "b": ["x"]}
        assert inner.line(("b", 0)) == 3
    document = one('data:\n  v: "a: [\\n"\n  n: 5\n')
    assert document.inner(("data", "v"))[1][0].place.line == 2
    assert document.inner(("data", "n")) == ([], [])
    assert document.inner(("data", "missing")) == ([], [])
    assert document.inner(("data", "v", 0)) == ([], [])


def test_inner_of_an_alias_and_of_inner() -> None:
    document = one("a: &a |\n  x: |\n    y: 1\nb: *a\n")
    inner = document.inner(("b",))[0][0]
    assert inner.line(("x",)) == 2
    assert inner.inner(("x",))[0][0].line(("y",)) == 3


def test_part_of_a_document_keeps_its_lines() -> None:
    document = one("a: 1\nb:\n  c:\n    - d: 1\n")
    part = document.part(("b", "c"))
    assert part.value == [{"d": 1}]
    assert part.line((0, "d")) == 4
    assert document.part(("b", "missing")).value is None
    assert document.part(("b", "missing")).line() == 2


def test_line_inside_a_text() -> None:
    document = one('a: |\n  x\n  y ${z}\nb: "x\\ny"\n')
    assert document.line_in(("a",), document.value["a"].index("${z}")) == 3
    assert document.line_in(("b",), 2) == 4
    assert document.line_in(("missing",), 2) == 1


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\n\tb: 2\n", 2, "indented with a tab"),
        ("a: 1\n b: 2\n", 2, "indented too far"),
        ("a: b: c\n", 1, "needs quotes"),
        ("a:\n  b: 1\n c: 2\n", 3, "does not fit the lines above"),
        ("a: 'x\nb: 1\n", 1, "a quotation mark is never closed"),
        ("a: [1, 2\nb: 1\n", 1, "never closed"),
        ("a: {{ .Values.x }}\n", 1, "needs quotes"),
        ("name: {{ .Release.Name }}-web\nb: 1\n", 1, "needs quotes"),
        ("a: @x\n", 1, 'starts with "@"'),
        ("a: `x`\n", 1, "needs quotes"),
        ("a: *x\n", 1, "&x, which is not defined"),
        ("a: *.example.org\n", 1, "needs quotes"),
        ("a: 1\njust text\n", 2, "a key without"),
        ("- a\nb: 1\n", 2, "does not fit the list"),
        ('a: "\\d"\n', 1, "backslash"),
        ("a: &a [*a]\n", 1, "inside the value that it refers to"),
        ("a: &a {b: {c: *a}}\n", 1, "inside the value that it refers to"),
        ("a: 1\nb: 2\na: 3\n", 3, 'key "a" is there twice, first on line 1'),
        ("a: {b: 1, 'b': 2}\n", 1, 'key "b" is there twice'),
        ("a: 1\nb: \x07\n", 2, "U+0007"),
        ("? [a]\n: 1\n", 1, "a key is a mapping or a list"),
        ("%FOO\n---\na: 1\n", 1, "not valid YAML"),
        ("a: !x!y z\n", 1, "needs quotes"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, words: str) -> None:
    found = told(text)
    assert len(found) == 1
    assert found[0][0] == line
    assert words in found[0][1]


def test_documents_around_a_broken_one_are_read() -> None:
    text = "a: 1\n---\nb: [\n---\nc: 3\n---\n\td: 1\n--- # next\ne: 5\n"
    documents, problems = parse(text, "x")
    assert [document.value for document in documents] == [{"a": 1}, {"c": 3}, {"e": 5}]
    assert [document.line() for document in documents] == [1, 5, 9]
    assert [problem.place.line for problem in problems] == [3, 7]


def test_keys_twice_do_not_hide_the_document() -> None:
    assert parse("a: 1\na: 2\n", "x")[0][0].value == {"a": 2}


def test_many_problems_are_not_all_told() -> None:
    assert len(told("a: 1\n" * 1000)) == 20
    assert len(told("a: [\n---\n" * 1000)) == 20


LAUGHS = "\n".join(
    ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60)]
)
LONG = "a: &a '" + "x" * 1_000_000 + "'\nb: [" + "*a, " * 1000 + "]\n"
MERGES = "a0: &a0 {k0: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: *a{n - 1}, k{n}: 1}}\n" for n in range(1, 3000)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 5000))


def timed(read: Callable[[], Found], *, enough: float) -> tuple[Found, float]:
    """Return what is read, and the least seconds of processor time of up to five tries.

    Beside other tests, on processors that share a core, one try may take twice as long.
    """
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        found = read()
        best = min(best, time.process_time() - started)
        if best < enough:
            break
    return found, best


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LAUGHS, "more than 200000 values"),
        (LONG, "16777216 characters"),
        (MERGES, "values, or"),
        (CHAIN, "nested more than 100 levels deep"),
        ("[" * 100_000, "nested more than 100 levels deep"),
        ("{a: " * 100_000, "nested more than 100 levels deep"),
        ("- " * 100_000, "nested more than 100 levels deep"),
        ("? " * 100_000, "nested more than 100 levels deep"),
        ("\n".join(" " * n + "a:" for n in range(2000)), "nested more than 100 levels deep"),
        ("[" + "[]," * 300_000 + "]", "more than 200000 values"),
        ("a\n---\n" * 50_000, "more than 2000 YAML documents"),
        ("---\n" * 50_000, "more than 2000 YAML documents"),
        ("x" * 4_000_000 + ": [", "not valid YAML"),
        ("\0" * 100_000, "U+0000"),
        ("'" * 100_001, "a quotation mark is never closed"),
        ("&a " * 1000, "not valid YAML"),
    ],
    ids=range(16),
)
def test_hostile_text_is_refused_at_once(text: str, words: str) -> None:
    found, seconds = timed(lambda: told(text), enough=3)
    assert seconds < 3
    assert words in " ".join(message for _, message in found)
    assert all(len(message) < 400 for _, message in found)


def test_nesting_up_to_the_limit_is_read() -> None:
    assert told("[" * 100 + "]" * 100) == []
    assert told("[" * 101 + "]" * 101) != []
    assert told("[" * 5 + "]" * 5, Limits(depth=4)) != []


def test_a_large_file_is_read_fast() -> None:
    text = "---\n".join(path.read_text() for path in FILES)
    text = "---\n".join([text] * (60_000 // len(text) + 1))
    found, seconds = timed(lambda: parse(text, "x")[1], enough=0.1)
    assert found == []
    assert seconds < 0.1


def test_no_text_makes_it_raise() -> None:
    chance = random.Random(6)  # noqa: S311 - the same texts in every run
    source = (PROJECT_ROOT / "charts" / "notes" / "values.yaml").read_text()[:1500]
    pieces = ["---", "\n", "\t", ": ", "- ", "&a ", "*a", "<<: ", "{", "}", "[", "]", "'", '"', "|"]
    pieces += ["#", "? ", "!", "%", "\0", "\ufeff", "\u2028", "\ud800", "😀", "\r", "...", ">", "@"]
    for _ in range(400):
        text = list(source)
        for _ in range(chance.randrange(1, 12)):
            text.insert(chance.randrange(len(text)), chance.choice(pieces))
        documents, problems = parse("".join(text), "x")
        for document in documents:
            json.dumps(document.value, allow_nan=False)
            assert document.line() > 0
        assert all(problem.place.line > 0 for problem in problems)
