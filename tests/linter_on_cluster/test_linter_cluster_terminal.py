"""What the terminal shows of a result with a run on a cluster: levels 4 to 6, what was seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster_runs import FOLDER, an_app_check, some_checks, write_run
from judged_runs import FAILED
from linter_results import a_result, an_app_result

from conformance.linter.levels import LEVELS
from conformance.linter.on_cluster.merge import merged
from conformance.linter.on_cluster.report import read_run
from conformance.linter.result import ClusterRun, Result
from conformance.linter.views.html import to_html
from conformance.linter.views.json_view import to_json
from conformance.linter.views.junit import to_junit
from conformance.linter.views.look import Look
from conformance.linter.views.terminal import to_terminal
from conformance.report.verdict import Verdict

PLAIN = Look()
NOT_BEGUN = ClusterRun("the run on the cluster did not begin")


def test_a_failed_check_says_what_was_promised_what_was_seen_and_where_there_is_more(
    result: Result,
) -> None:
    text = to_terminal(result, PLAIN)
    assert (
        f"error    The app serves again after each of its pods was deleted.  {FAILED}\n"
        "         seen: pod miniflux-0 was not Ready within 120 s\n"
        "         last status: CrashLoopBackOff\n"
        "         fix: look into its log\n"
        f"         reports/{FOLDER}/evidence/{FAILED}-notes/failure.txt  and 1 more file\n"
    ) in text
    assert "not run  app_runs.survives_node_kill: a cluster of the provider existing has no" in text
    assert "cluster  1 check passed, 1 failed, 1 not run, 1 not applicable\n" in text


def test_an_app_that_is_well_on_the_cluster_says_how_many_checks_it_passed(result: Result) -> None:
    block = to_terminal(result, PLAIN).split("\n\n")[1]
    assert block.splitlines() == [
        "level 4  wordpress  packages/charts/notes: Helm chart wordpress",
        f"         {LEVELS[4]}",
        "cluster  2 checks passed",
        "         levels 5 and 6 not judged: no checks yet",
    ]


def test_the_summary_leads_to_the_runs_report(result: Result) -> None:
    lines = to_terminal(result, PLAIN).splitlines()
    assert (
        "2 apps: 1 at level 4, 1 at level 2; 2 errors  (0.4 s, and 312 s on the cluster)" in lines
    )
    assert f"Report of the checks: reports/{FOLDER}/report.html" in lines
    assert "add --cluster" not in "\n".join(lines)


def test_all_is_well_at_the_highest_level_that_has_checks(here: Path) -> None:
    run = read_run(write_run(here, an_app_check("app_runs.workloads_ready")))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert "1 app: all is well  (" in text
    assert "\x1b[1;32mlevel 4" in to_terminal(
        merged(a_result(an_app_result()), run), Look(colour=True)
    )


def test_a_long_story_is_cut_for_the_terminal(here: Path) -> None:
    reason = "\n".join(f"line {n}" for n in range(20))
    check = an_app_check("app_runs.x", verdict=Verdict.FAIL, reason=reason)
    run = read_run(write_run(here, check))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert "line 5\n         ... and 14 more lines\n" in text


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        ({Verdict.PASS: 2, Verdict.FAIL: 1}, "2 checks passed, 1 failed"),
        ({Verdict.NOT_APPLICABLE: 1, Verdict.NOT_RUN: 3}, "3 checks not run, 1 not applicable"),
        ({Verdict.WAIVED: 1}, "1 check waived"),
    ],
)
def test_only_what_there_is_is_counted(here: Path, ended: dict[Verdict, int], told: str) -> None:
    checks = [
        an_app_check(f"app_runs.{verdict.name.lower()}_{n}", verdict=verdict, reason="why")
        for verdict, number in ended.items()
        for n in range(number)
    ]
    run = read_run(write_run(here, *checks))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert f"cluster  {told}\n" in text


def test_checks_that_failed_by_one_cause_are_told_once(here: Path) -> None:
    first = an_app_check("app_runs.first", verdict=Verdict.FAIL, reason="no route")
    reason = "no route (reported at test_app_runs.py::test_first[notes])"
    others = [
        an_app_check(f"app_runs.other_{n}", verdict=Verdict.FAIL, reason=reason) for n in range(4)
    ]
    run = read_run(write_run(here, first, *others))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert text.count("no route") == 1
    assert "error    for a cause that is told above: 4 checks of level 4\n" in text
    assert "1 app: 5 errors" in text
    html = to_html(merged(a_result(an_app_result()), run))
    assert "4 more checks failed for a cause that is told above." in html
    assert html.count("Seen on the cluster") == 1
    run = read_run(write_run(here / "of another app", *others))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert text.count("seen: no route (reported at test_app_runs.py::test_first[notes])") == 1
    assert "told above: app_runs.other_1, app_runs.other_2, app_runs.other_3\n" in text


def test_a_check_is_explained_as_what_it_is(result: Result) -> None:
    assert "Why, and a correct example: stackspin-conformance app --explain backup" in to_terminal(
        result, PLAIN
    )
    assert result.cluster
    text = to_terminal(merged(a_result(an_app_result()), result.cluster), PLAIN)
    assert f"What it promises: stackspin-conformance app --explain {FAILED}" in text


def test_the_next_level_names_the_checks_it_needs(here: Path) -> None:
    checks = [one for one in some_checks(here) if one[0].verdict is not Verdict.NOT_RUN]
    run = read_run(write_run(here, *checks))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert f"next     level 4 needs {FAILED}\n" in text


def test_a_run_that_did_not_begin_is_told_and_claims_nothing() -> None:
    result = merged(a_result(an_app_result()), NOT_BEGUN)
    text = to_terminal(result, PLAIN)
    assert "levels 4, 5 and 6 not judged: the run on the cluster did not begin\n" in text
    assert "on the cluster)" not in text
    assert "all is well" not in text
    assert "Report of the checks" not in text
    for view in (to_json(result), to_junit(result), to_html(result)):
        assert "the run on the cluster did not begin" in view


def test_what_went_wrong_outside_the_checks_is_told(here: Path) -> None:
    check = an_app_check("app_runs.x", verdict=Verdict.NOT_RUN, reason="no images")
    run = read_run(write_run(here, check, errors=["clean-up failed:\n  a claim is left"]))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert "Outside the checks: clean-up failed: a claim is left\n" in text
    run = read_run(write_run(here, check, errors=["traceback " * 200]))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert max(map(len, text.splitlines())) < 350
