"""How a rule is registered."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from conformance.linter.app import AppPackage
from conformance.linter.findings import Problem, Severity
from conformance.linter.rule import Rule, all_rules, read_prose, rule

NAME = "package.nothing"


def another(_: AppPackage) -> Iterable[Problem]:
    return []


def test_a_second_rule_of_the_same_name_is_refused() -> None:
    before = all_rules()[NAME]
    register = rule(NAME, level=1, severity=Severity.NOTE)
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


@pytest.fixture(params=all_rules().values(), ids=lambda one: one.id)
def a_rule(request: pytest.FixtureRequest) -> Rule:
    found: Rule = request.param
    return found


def test_a_rule_has_its_prose_beside_it(a_rule: Rule) -> None:
    module = sys.modules[a_rule.check.__module__]
    prose = dataclasses.asdict(a_rule.prose)

    assert (module.__doc__ or "").splitlines()[0].removesuffix(".") == prose["title"]
    assert all(prose.values()), [key for key, value in prose.items() if not value]
    assert a_rule.prose.source == "Stackspin" or a_rule.prose.source.startswith("https://")


def test_an_example_is_what_people_may_copy(a_rule: Rule) -> None:
    example = a_rule.prose.example
    if "{{" not in example:  # of a template only what it renders to is YAML
        assert list(yaml.safe_load_all(example))


def test_no_prose_is_without_its_rule() -> None:
    modules = {sys.modules[one.check.__module__].__file__ for one in all_rules().values()}
    rules = Path(importlib.import_module("conformance.linter.rules").__path__[0])

    assert {f"{one.with_suffix('.py')}" for one in rules.rglob("*.yaml")} == modules


def test_to_register_the_rules_reads_no_prose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", None)

    assert importlib.reload(sys.modules[all_rules()[NAME].check.__module__])


@pytest.mark.parametrize("text", ["title: It holds\n", "title: It holds\nhow: So\n"])
def test_prose_that_is_not_whole_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "holds.yaml").write_text(text)

    with pytest.raises(TypeError):
        read_prose(f"{tmp_path}/holds.py")
