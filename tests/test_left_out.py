"""What a run consists of that was not told: the core checks; and how to get the others."""

from __future__ import annotations

import pytest
from small_runs import HEAD, RunChecks, report, runner, verdicts

SOURCE = """
@check("auto_update.core", promise="It holds.")
def test_core(): pass

@check("auto_update.rare", promise="It holds.", level="extended")
def test_rare(): assert STANDS

@check("auto_update.other", promise="It holds.", level="extended")
def test_other(): pass
"""
CHECKS = SOURCE.replace("STANDS", "True")
FILE = "auto_update/test_auto_update.py"


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    return runner(pytester, monkeypatch)


def test_a_run_that_was_not_told_which_runs_the_core_checks_and_says_so(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    result = run(CHECKS)
    result.assert_outcomes(passed=1, deselected=2)
    result.stdout.fnmatch_lines(["Extended checks left out: 2; --all runs them, too"])
    assert verdicts(pytester) == {"core": "pass", "rare": "not run", "other": "not run"}
    (capability,) = report(pytester)["capabilities"]
    assert capability["verdict"] == "pass"
    assert capability["checks"][1]["reason"] == "it is extended: --all or its id runs it"
    assert "2 extended ones were left out" in (
        pytester.path / "reports/latest/report.html"
    ).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "ran"),
    [
        (["--all"], {"core", "rare", "other"}),
        (["-k", "auto_update.rare"], {"rare"}),
        (["-k", "not other"], {"core", "rare"}),
        (["-m", "extended"], {"rare", "other"}),
        (["-m", "core"], {"core"}),
        (["auto_update"], {"core", "rare", "other"}),
        ([FILE], {"core", "rare", "other"}),
        ([f"{FILE}::test_rare"], {"rare"}),
        ([".", f"{FILE}::test_rare"], {"core", "rare"}),
        (["--deselect", f"{FILE}::test_core", "--all"], {"rare", "other"}),
    ],
    ids=lambda names: " ".join(sorted(names)),
)
def test_what_was_asked_for_runs_whatever_its_level(
    run: RunChecks, pytester: pytest.Pytester, arguments: list[str], ran: set[str]
) -> None:
    result = run(CHECKS, *arguments)
    assert {name for name, verdict in verdicts(pytester).items() if verdict == "pass"} == ran
    assert ("left out: " in result.stdout.str()) == (arguments[:1] == ["."])


def test_an_extended_check_that_failed_is_run_again_without_more_words(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(SOURCE.replace("STANDS", "False"), "--all").assert_outcomes(passed=2, failed=1)
    pytester.runpytest("--lf").assert_outcomes(failed=1)
    run(CHECKS, "--lf").assert_outcomes(passed=1)  # the one that had failed


def test_last_failed_of_nothing_is_a_run_that_was_not_told_which(run: RunChecks) -> None:
    run(CHECKS).assert_outcomes(passed=1, deselected=2)
    run(CHECKS, "--lf").assert_outcomes(passed=1, deselected=2)


def test_twins_are_of_all_checks(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**{"auto_update/test_auto_update": HEAD + CHECKS})
    shown = pytester.runpytest("--collect-only", "-q", "--twins").stdout.str()
    assert "test_rare" in shown


def test_a_run_of_all_is_compared_with_one_of_all(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(CHECKS, "--all")
    first = report(pytester)["runId"]
    run(CHECKS)
    assert report(pytester)["comparison"] is None
    run(CHECKS, "--all")
    assert report(pytester)["comparison"]["previousRunId"] == first
