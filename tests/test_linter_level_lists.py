"""docs/levels.md is what the rules and checks say of themselves."""

from __future__ import annotations

from linter_packages import case_table
from linter_results import a_rule

from conformance.common.settings import PROJECT_ROOT
from conformance.linter.findings import Severity
from conformance.linter.levels import LEVELS
from conformance.linter.on_cluster.process import CAPABILITIES
from conformance.linter.on_cluster.promises import Promise, promises
from conformance.linter.rule import all_rules
from conformance.linter.views.level_lists import level_lists

DOCUMENT = PROJECT_ROOT / "docs" / "levels.md"
_RENEW = "put level_lists([*all_rules().values(), *promises(CAPABILITIES).values()]) into it"


def test_the_document_has_every_rule_and_check_as_it_is() -> None:
    known = [*all_rules().values(), *promises(CAPABILITIES).values()]
    introduction, heading, lists = DOCUMENT.read_text(encoding="utf-8").partition("## Level 1\n")
    assert introduction.startswith("# ")
    assert heading + lists == level_lists(known), f"docs/levels.md: {_RENEW}"


def test_each_level_has_its_sentence_and_what_it_asks_for() -> None:
    text = level_lists(
        [
            a_rule("backup.advice", level=3, severity=Severity.NOTE),
            a_rule("backup.label", level=3),
            Promise("app_runs.serves", 4, Severity.ERROR, "It serves."),
        ]
    )
    sections = text.split("## Level ")[1:]
    assert [one.splitlines()[2] for one in sections] == [*LEVELS.values()][1:]
    rules = [line.split(" | ") for line in sections[2].splitlines() if line.startswith("| `")]
    assert [(cells[0], cells[-1]) for cells in rules] == [
        ("| `backup.label`", "an error |"),
        ("| `backup.advice`", "a note |"),
    ]
    assert "| `app_runs.serves` | It serves. |" in sections[3].splitlines()


def test_the_table_of_cases_has_every_rule_and_case() -> None:
    text = (PROJECT_ROOT / "docs" / "rule-cases.md").read_text(encoding="utf-8")
    assert text == case_table(all_rules()), (
        "docs/rule-cases.md: put case_table(all_rules()) into it"
    )
