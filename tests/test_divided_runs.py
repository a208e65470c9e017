"""A small suite divided among two clusters: what runs where, what is shown, and what is left."""

from __future__ import annotations

import re
from typing import Any

import pytest
from divided_runs import CONFTEST, DIVIDED, GOES_ON, LATER, folder_of_run, log, make
from forked_pytest import run_forked
from small_runs import checks, evidence, report

STORAGE = """
import warnings

@check("persistent_storage.first", promise="It holds.")
def test_first(place, room, meet, evidence):
    meet("storage", ["charts"])
    print("printed by storage")
    warnings.warn("look out")
    evidence.attach("seen.txt", place)
    assert 1 + 1 == 3, "sums are wrong"

@check("persistent_storage.second", promise="It holds.")
def test_second(place, room, run):
    run.terminal.say("a line from a process")
    not_run("it is not there")
"""
CHARTS = """
@check("chart_deployment.first", promise="It holds.")
def test_first(place, room, meet, evidence):
    meet("charts", ["storage"])
    print("printed by charts")
    evidence.attach("seen.txt", place)
    assert {"1": 1} == {"1": 2}

@check("chart_deployment.second", promise="It holds.")
def test_second(place, room): pass
"""


def test_one_command_one_report_two_clusters(pytester: pytest.Pytester) -> None:
    make(pytester, storage=STORAGE, charts=CHARTS)
    result = pytester.runpytest_subprocess(*DIVIDED, "--junitxml=all.xml")
    result.assert_outcomes(passed=1, failed=2, skipped=1, warnings=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    found = checks(pytester)
    # In the order of the checks, whichever ended first.
    assert [(name, check["verdict"]) for name, check in found.items()] == [
        ("persistent_storage.first", "fail"),
        ("persistent_storage.second", "not run"),
        ("chart_deployment.first", "fail"),
        ("chart_deployment.second", "pass"),
    ]
    whole = report(pytester)
    assert (whole["state"], whole["checksDone"], whole["checksSelected"]) == ("complete", 4, 4)
    assert len(list((pytester.path / "reports").iterdir())) == 2  # of the run, and latest
    # A line for each, what is said meanwhile, failures and warnings once.
    result.stdout.fnmatch_lines_random(
        [
            "FAIL persistent_storage.first *", "  sums are wrong",
            "  evidence: reports/*/persistent_storage.first/failure.txt, and * more files",
            "PASS chart_deployment.second *", "Verdict: fail",
        ]
    )  # fmt: skip
    result.stderr.fnmatch_lines(["stackspin-?: a line from a process"])
    assert result.stdout.str().count("UserWarning: look out") == 1
    assert (pytester.path / "all.xml").read_text().count("<testcase") == 4
    # Each process has a cluster, and what its checks share is set up there once.
    places = {name: check["cluster"] for name, check in found.items()}
    assert len(set(places.values())) == 2
    assert places["persistent_storage.first"] == places["persistent_storage.second"]
    for name, printed in (("persistent_storage", "storage"), ("chart_deployment", "charts")):
        check = found[f"{name}.first"]
        assert evidence(pytester, check, "seen.txt") == check["cluster"]
        assert evidence(pytester, check, "Captured stdout call.txt") == f"printed by {printed}\n"
        assert "assert" in evidence(pytester, check, "failure.txt")
    said = log(pytester)
    assert sorted(text for _, text in said if text.startswith("up")) == [
        "up stackspin-1", "up stackspin-2",
    ]  # fmt: skip
    assert len(said) == 2 * 3
    assert len({process for process, _ in said}) == 2


ENDS = """
@check("persistent_storage.breaks", promise="It holds.")
def test_breaks(place, meet):
    meet("storage", ["charts"])
    assert False
"""


def test_after_the_first_failure_nothing_begins_and_lf_runs_what_failed(
    pytester: pytest.Pytester,
) -> None:
    make(pytester, storage=ENDS, charts=GOES_ON, updates=LATER)
    run_forked(pytester, *DIVIDED, "-x").assert_outcomes(passed=1, failed=1)
    run = folder_of_run(pytester).name
    assert {name: one["verdict"] for name, one in checks(pytester, run).items()} == {
        "persistent_storage.breaks": "fail",
        "chart_deployment.beside": "pass",
        "chart_deployment.later": "not run",
        "auto_update.much_later": "not run",
    }
    assert report(pytester, run)["state"] == "interrupted"
    assert [text for _, text in log(pytester)].count("down") == 2
    make(pytester, storage=ENDS.replace("meet(", "print("), charts=GOES_ON, updates=LATER)
    run_forked(pytester, *DIVIDED, "--lf").assert_outcomes(failed=1)


def test_errors_of_a_process_fail_the_run_and_name_its_cluster(pytester: pytest.Pytester) -> None:
    make(pytester, storage=STORAGE.replace("assert 1 + 1 == 3", "assert 3"), charts=CHARTS)
    conftest = CONFTEST.replace('    log("down")', '    raise RuntimeError("it is stuck")')
    pytester.makeconftest(conftest)
    result = run_forked(pytester, *DIVIDED, "-k", "second")
    result.assert_outcomes(passed=1, skipped=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert sorted(report(pytester)["errors"]) == [
        f"stackspin-{number}: clean-up failed: it is stuck" for number in (1, 2)
    ]


def test_the_report_is_rewritten_after_every_check_and_compared(pytester: pytest.Pytester) -> None:
    source = """
@check("persistent_storage.first", promise="It holds.")
def test_first(place): pass

@check("persistent_storage.reads", promise="It holds.")
def test_reads(place, until_one_is_done):
    until_one_is_done()
"""
    make(pytester, storage=source, charts=LATER.replace("auto_update", "chart_deployment"))
    run_forked(pytester, *DIVIDED).assert_outcomes(passed=3)
    before = report(pytester)["runId"]
    make(pytester, storage=source.replace("until_one_is_done()", "assert False"),
         charts=LATER.replace("auto_update", "chart_deployment"))  # fmt: skip
    result = run_forked(pytester, *DIVIDED, "-p", "no:cacheprovider")
    result.stdout.fnmatch_lines([f"Since run {before}: 1 newly failing"])


def test_there_are_no_more_processes_than_groups(pytester: pytest.Pytester) -> None:
    make(pytester, storage=STORAGE.replace('meet("storage", ["charts"])', "pass"))
    run_forked(pytester, "--clusters=3", "--cluster=embedded")
    assert [text for _, text in log(pytester)].count("down") == 1


def test_an_existing_cluster_is_one(pytester: pytest.Pytester) -> None:
    make(pytester, storage=STORAGE)
    result = run_forked(pytester, "--clusters=2", "--cluster=existing")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--clusters=2: with --cluster=existing there is one"])
    assert not (pytester.path / "reports").exists()


def test_names_of_clusters_are_not_too_long() -> None:
    from types import SimpleNamespace

    from conformance.platform.site import LONGEST_NAME
    from conformance.suite.divided_process import name_of

    def run(name: str) -> Any:
        return SimpleNamespace(settings=SimpleNamespace(cluster_name=name))

    assert name_of(run("stackspin"), 2) == "stackspin-2"
    long = name_of(run("a" * 40), 2)
    assert re.fullmatch("a+-2", long)
    assert len(long) == LONGEST_NAME
