from __future__ import annotations

import pytest
from linter_results import a_rule

from conformance.common.settings import PROJECT_ROOT
from conformance.linter.findings import Severity
from conformance.linter.levels import HIGHEST, LEVELS, STATIC, level_of


@pytest.mark.parametrize(
    ("levels", "reached"),
    [((), 3), ((3,), 2), ((2,), 1), ((1,), 0), ((3, 1, 2), 0), ((2, 3, 3), 1)],
)
def test_a_level_is_below_the_lowest_rule_that_holds_it_down(
    levels: tuple[int, ...], reached: int
) -> None:
    assert level_of([a_rule(level=level) for level in levels]) == reached


def test_a_rule_that_was_not_run_holds_down_whatever_its_severity() -> None:
    assert level_of([a_rule(level=2, severity=Severity.NOTE)]) == 1


@pytest.mark.parametrize(
    ("levels", "highest", "reached"),
    [((), 6, 6), ((), 4, 4), ((5,), 6, 4), ((5,), 4, 4), ((6, 2), 6, 1), ((4,), STATIC, 3)],
)
def test_no_level_is_above_the_highest_that_was_looked_at(
    levels: tuple[int, ...], highest: int, reached: int
) -> None:
    assert level_of([a_rule(level=level) for level in levels], highest) == reached


def test_each_level_is_one_sentence() -> None:
    assert list(LEVELS) == list(range(HIGHEST + 1))
    assert 0 < STATIC < HIGHEST
    for sentence in LEVELS.values():
        assert sentence.endswith(".")
        assert ". " not in sentence


def test_the_document_has_every_level_as_it_is() -> None:
    text = (PROJECT_ROOT / "docs" / "app-packages.md").read_text(encoding="utf-8")
    shown = [line for line in text.splitlines() if line.startswith("| level ")]
    assert shown == [f"| level {level} | {sentence} |" for level, sentence in LEVELS.items()]
