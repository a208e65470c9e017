"""How a rule is registered."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable

import pytest

from conformance.linter.app import AppPackage
from conformance.linter.findings import Problem, Severity
from conformance.linter.rule import all_rules, rule

NAME = "package.nothing"


def another(_: AppPackage) -> Iterable[Problem]:
    return []


def test_a_second_rule_of_the_same_name_is_refused() -> None:
    before = all_rules()[NAME]
    register = rule(
        NAME, "It holds", level=1, severity=Severity.NOTE, why="", source="", fix="", example=""
    )
    with pytest.raises(ValueError, match=r"there is a rule package\.nothing already"):
        register(another)
    assert all_rules()[NAME] is before


def test_the_module_of_a_rule_may_be_imported_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    before = all_rules()[NAME]
    module = before.check.__module__
    monkeypatch.delitem(sys.modules, module)
    importlib.import_module(module)
    assert all_rules()[NAME].check is not before.check
    assert [one.id for one in all_rules().values()].count(NAME) == 1
