"""The linter's result as a comment, and what it is compared with."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from linter_results import HOSTILE, a_finding, a_result, a_rule, an_app, an_app_result

from conformance.common.errors import HarnessError
from conformance.linter.earlier import earlier_of, lowered, read_earlier, with_known
from conformance.linter.findings import Place, Severity
from conformance.linter.result import AppResult, Result
from conformance.linter.views.json_view import as_data, to_json
from conformance.linter.views.markdown import to_markdown

LABEL = a_finding()
PROBES = a_finding(a_rule("containers.probes", 2), "container notes has no livenessProbe")
NOTE = a_finding(a_rule("network.open-port", 2, Severity.NOTE), "Service notes opens a port")


def compared(before: AppResult, now: AppResult) -> str:
    earlier = earlier_of(as_data(a_result(before)))
    return to_markdown(with_known(a_result(now), earlier), earlier)


def section(text: str, title: str) -> str:
    """Return a section of a comment; empty if there is none."""
    return text.partition(f"#### {title}\n")[2].partition("\n\n#")[0].partition("<details>")[0]


def test_a_comment_says_what_got_worse_and_what_was_mended() -> None:
    text = compared(an_app_result(LABEL), an_app_result(PROBES))

    assert "| <code>notes</code> | 2 | 1 ⬇️ | 1 error |" in text
    assert "has no livenessProbe" in section(text, "New findings")
    assert "has no label" in section(text, "Mended")
    assert "has no label" not in section(text, "New findings")


def test_one_cause_of_several_apps_is_a_line() -> None:
    both = [an_app_result(LABEL, app=an_app(name)) for name in ("notes", "wiki")]
    line = "<code>notes</code>, <code>wiki</code> <code>"
    assert to_markdown(a_result(*both)).count(line) == 1

    mended = [an_app_result(app=an_app(name)) for name in ("notes", "wiki")]
    earlier = earlier_of(as_data(a_result(*both)))
    text = to_markdown(with_known(a_result(*mended), earlier), earlier)
    assert section(text, "Mended").count("- ✅ <code>notes</code>, <code>wiki</code> <code>") == 1
    assert text.count("has no label") == 1


def test_what_was_there_before_is_folded() -> None:
    text = compared(an_app_result(LABEL), an_app_result(LABEL, NOTE))

    assert "has no label" not in section(text, "New findings")
    assert "opens a port" in section(text, "New findings")
    folded = text.partition("<details><summary>Known findings (1)</summary>")[2]
    assert "has no label" in folded
    assert section(text, "Mended") == ""


def test_nothing_is_mended_by_a_rule_that_was_not_run() -> None:
    text = compared(an_app_result(LABEL), an_app_result(not_run=[(LABEL.rule, "unknown chart")]))

    assert section(text, "Mended") == ""
    assert "unknown chart" in text


def test_without_an_earlier_result_there_is_no_before() -> None:
    text = to_markdown(a_result(an_app_result(LABEL)), passed=False)

    assert text.startswith("### ❌ ")
    assert "Before" not in text
    assert "has no label" in section(text, "Findings")


def test_a_new_app_is_told() -> None:
    text = compared(an_app_result(app=an_app("wiki")), an_app_result())

    assert "| <code>notes</code> | new | 3 | none |" in text


def test_a_long_list_is_cut() -> None:
    many = [a_finding(place=Place("a.yaml", line, f"Pod p{line}")) for line in range(60)]
    text = to_markdown(a_result(an_app_result(*many)))

    assert text.count("has no label") == 40
    assert "- and 20 more" in text


def test_nothing_in_a_package_becomes_mark_up_or_a_mention() -> None:
    evil = f"{HOSTILE}@everyone #1 [a](https://example.org) ![b](c) `x` | **d**"
    found = a_finding(message=evil, place=Place(evil, 3, evil), fix=evil)
    text = to_markdown(a_result(an_app_result(found, app=an_app(evil), root=evil)))

    for mark in ("<script", "@everyone", "#1 ", "[a]", "![", "**", "`x`", "\x1b", "\u202e"):
        assert mark not in text
    table = [line for line in text.splitlines() if line.startswith("| <code>")]
    assert [line.count("|") for line in table] == [4]


# What is known.


def test_a_known_error_does_not_fail(tmp_path: Path) -> None:
    file = tmp_path / "base.json"
    file.write_text(to_json(a_result(an_app_result(LABEL))))
    earlier = read_earlier(file)

    assert not with_known(a_result(an_app_result(LABEL)), earlier).failed
    assert with_known(a_result(an_app_result(LABEL, PROBES)), earlier).failed
    assert with_known(a_result(an_app_result(LABEL, app=an_app("wiki"))), earlier).failed
    marked = with_known(a_result(an_app_result(LABEL)), earlier)
    assert [one["known"] for one in json.loads(to_json(marked))["apps"][0]["findings"]] == [True]


def test_a_level_that_was_not_there_before_is_not_asked_for() -> None:
    earlier = earlier_of(as_data(a_result(an_app_result(LABEL))))

    def fails(*findings: object, level: int = 3) -> bool:
        result: Result = with_known(a_result(an_app_result(*findings)), earlier)  # type: ignore[arg-type]
        return lowered(result.apps[0], earlier, level)

    assert not fails(LABEL)
    assert not fails()
    assert fails(LABEL, PROBES)
    assert not fails(LABEL, PROBES, level=1)


@pytest.mark.parametrize("text", ["", "[]", '{"runs": []}', "no JSON", "[" * 2000])
def test_what_is_no_result_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "base.json"
    file.write_text(text)

    with pytest.raises(HarnessError, match="is not a result"):
        read_earlier(file)
    os.mkfifo(tmp_path / "pipe.json")
    for name in ("nowhere.json", "pipe.json"):
        with pytest.raises(HarnessError, match="cannot be read"):
            read_earlier(tmp_path / name)
