"""``--repeat``: each result stays, what is shared is set up anew, a flake is called one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_samples import a_check, a_report
from small_runs import PASSES, RunChecks, report, runner

from conformance.report.html import to_html
from conformance.report.model import RunReport
from conformance.report.results import Repetition, repeated
from conformance.report.verdict import Verdict

FLAKY = (
    PASSES
    + """
import pathlib
from conformance.suite.check import core, extended, shared

LOG = pathlib.Path("log")

@pytest.fixture(scope=shared)
def room():
    LOG.open("a").write("up ")
    yield
    LOG.open("a").write("down ")

@check("auto_update.flakes", promise="It holds.", apps=core("notes") | extended("wordpress"))
def test_flakes(app, room):
    LOG.open("a").write("flakes ")
    assert LOG.read_text().count("flakes") != 2, "the second time it does not"

@check("auto_update.goes_on", promise="It holds.", apps=core("notes") | extended("wordpress"))
def test_goes_on(app, room):
    LOG.open("a").write("goes on ")
"""
)


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    return runner(pytester, monkeypatch)


def test_each_repetition_counts_and_shares_nothing_with_the_one_before(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    result = run(FLAKY, "--repeat=3")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=8, failed=1, deselected=6)
    log = (pytester.path / "log").read_text()
    assert log == 3 * "up flakes goes on down "
    found = report(pytester)
    assert found["verdict"] == "fail"
    assert found["repeated"] == [
        {"id": "auto_update.passes", "run": "", "times": 3, "passed": 3, "failed": 0,
         "flaky": False},
        {"id": "auto_update.flakes", "run": "notes", "times": 3, "passed": 2, "failed": 1,
         "flaky": True},
        {"id": "auto_update.goes_on", "run": "notes", "times": 3, "passed": 3, "failed": 0,
         "flaky": False},
    ]  # fmt: skip
    (capability,) = found["capabilities"]
    # What was left out is there once; what ran, once for each time.
    assert [(c["id"].partition(".")[2], c["app"], (c["repetition"] or {}).get("number"))
            for c in capability["checks"] if c["id"].endswith("flakes")] == [
        ("flakes", "notes", 1), ("flakes", "notes", 2), ("flakes", "notes", 3),
        ("flakes", "wordpress", None),
    ]  # fmt: skip
    result.stdout.fnmatch_lines(
        [
            "PASS auto_update.flakes [[]notes, 1 of 3] *",
            "PASS auto_update.goes_on [[]notes, 1 of 3] *",
            "FAIL auto_update.flakes [[]notes, 2 of 3] *",
            "Repeated: 3 checks, 3 times each: 2 passed each time, 1 passed sometimes",
            "FLAKE auto_update.flakes on notes: passed 2 of 3 times",
            "FAIL auto_update.flakes on notes, 2 of 3: the second time it does not",
        ]
    )
    page = (pytester.path / "reports/latest/report.html").read_text()
    assert "Flake: <code>auto_update.flakes</code> on notes passed 2 of 3 times" in page


def test_lanes_repeat_in_the_same_way(run: RunChecks, pytester: pytest.Pytester) -> None:
    run(FLAKY, "--repeat=2", "--lanes=2").assert_outcomes(passed=5, failed=1, deselected=4)
    assert (pytester.path / "log").read_text() == 2 * "up flakes goes on down "


@pytest.mark.parametrize("times", ["0", "-1", "two", "1.5"])
def test_a_wrong_number_of_times_is_a_usage_error(run: RunChecks, times: str) -> None:
    result = run(PASSES, f"--repeat={times}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--repeat={times}: give how often each check is to run*"])


def a_repeated_check(*verdicts: Verdict) -> RunReport:
    checks = [
        a_check(
            "dashboard",
            1,
            verdict,
            node_id=f"test_dashboard.py::test_promise_1[notes-{number}of{len(verdicts)}]",
            repetition=Repetition(number=number, of=len(verdicts)),
        )
        for number, verdict in enumerate(verdicts, 1)
    ]
    return a_report({"dashboard": checks}, repeated=repeated(checks))


def test_a_report_that_is_read_again_says_the_same() -> None:
    made = a_repeated_check(Verdict.PASS, Verdict.FAIL)
    again = RunReport.model_validate(json.loads(made.model_dump_json(by_alias=True)))
    assert again == made
    assert [(one.run, one.flaky) for one in again.repeated] == [("notes", True)]
    assert [check.run for check in again.checks] == ["notes, 1 of 2", "notes, 2 of 2"]


def test_what_failed_each_time_is_no_flake(tmp_path: Path) -> None:
    made = a_repeated_check(Verdict.FAIL, Verdict.FAIL)
    assert not made.repeated[0].flaky
    page = to_html(made, tmp_path)
    assert "1 check, 2 times each: 1 failed each time" in page
    assert "Flake:" not in page


def test_a_name_without_its_repetition_is_the_check_that_runs_once() -> None:
    second = Repetition(number=2, of=3)
    assert second.removed_from("a.py::test_x[notes-2of3]") == "a.py::test_x[notes]"
    assert second.removed_from("a.py::test_x[2of3]") == "a.py::test_x"
