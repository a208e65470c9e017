"""What Flux makes of ``${expressions}``, as fluxcd/pkg/envsubst does it."""

from __future__ import annotations

import pytest

from conformance.linter.flux.substitution import substitute, uses

VALUES = {"app": "wiki", "empty": "", "path": "a-b-c"}


def value_of(name: str, default: str | None) -> str:
    return VALUES.get(name) or (f"<{name}>" if default is None else default)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${app}", "wiki"),
        ("${app}-${app}", "wiki-wiki"),
        ("$app {app} }", "$app {app} }"),
        ("$${app} and $$$${app}", "${app} and $${app}"),
        ("$$${app}", "$wiki"),
        ("${unknown}", "<unknown>"),
        ("${unknown:=x}${unknown:-x}${unknown=x}", "xxx"),
        ("${app:=x}", "wiki"),
        ("${empty:=x}", "x"),
        ("${unknown:=}", ""),
        ("${unknown:-${app}}", "wiki"),
        ("${unknown:-${other:=a-${app}}-b}", "a-wiki-b"),
        ("${unknown:=a{b}c}", "a{bc}"),
        ("${app^^} ${app^}", "WIKI Wiki"),
        ("${path/-/_} ${path//-/_} ${path//-}", "a_b-c a_b_c abc"),
        ("${ab-cd}", "<ab_cd>"),
        ("${{ app }}", "${{ app }}"),
        ("${app", "${app"),
        ("${app\n}", "${app\n}"),
        ("${open and ${app}", "${open and wiki"),
    ],
)
def test_text_is_filled_in_as_flux_does(text: str, filled: str) -> None:
    assert substitute(text, value_of) == filled


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a ${app} b", [("app", False, 2)]),
        ("$${app}", []),
        (
            "${a:=1} ${b:-2} ${c=3} ${d:?4}",
            [(n, n != "d", 8 * i - (i == 3)) for i, n in enumerate("abcd")],
        ),
        ("${a:-${b}}", [("a", True, 0), ("b", False, 5)]),
        ("${{ a }}", [("", False, 0)]),
        ("${a.b}", [("", False, 0)]),
        ("${a-b}", [("", False, 0)]),
        ("${never", []),
    ],
)
def test_variables_are_found_with_their_place(
    text: str, found: list[tuple[str, bool, int]]
) -> None:
    assert [(one.name, one.has_default, one.offset) for one in uses(text)] == found


def test_expressions_in_one_another_without_end_take_neither_time_nor_memory() -> None:
    hostile = "${a:-" * 20_000
    closed = hostile + "}" * 20_000
    assert substitute(hostile, value_of) == hostile
    assert substitute(closed, value_of).startswith("${a:-")
    assert sum(len(one.expression) for one in uses(closed)) < 20 * len(closed)


@pytest.mark.parametrize("text", ["${app}" * 1_000, f"${{app//x/{'y' * 100_000}}}"])
def test_values_make_no_text_of_any_length(text: str) -> None:
    assert len(substitute(text, lambda *_: "x" * 1_000_000)) < 10_000_000


def test_what_stands_beside_a_deep_expression_is_found() -> None:
    deep = "${a:-" * 50 + "}" * 50
    assert [one.name for one in uses(f"{deep} ${{app}}")][-1] == "app"
