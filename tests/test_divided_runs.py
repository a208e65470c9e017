"""A small suite divided among two clusters: what runs where, what is shown, and what is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from alive import is_alive
from small_runs import HEAD, checks, evidence, report
from test_plugin_reports import wait_for_file

CONFTEST = """
import json, os, pathlib, time
import pytest

def log(text):
    with open("log", "a") as file:  # a line is written at once: two processes may do it
        file.write(f"{os.getpid()} {text}\\n")

@pytest.fixture(scope="session")
def place(run):
    log(f"up {run.settings.cluster_name}")
    yield run.settings.cluster_name
    time.sleep(0.3)
    log("down")

@pytest.fixture(scope="module")
def room(place, request):
    log(f"room of {request.path.stem}")
    yield request.path.stem

@pytest.fixture
def meet():
    "Return when a check of another process has come here, too."
    def wait(name, others):
        pathlib.Path(name).touch()
        until(lambda: all(pathlib.Path(other).exists() for other in others))
    return wait

def until(holds):
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline, "the other process did not get there"
        time.sleep(0.02)

@pytest.fixture
def until_one_is_done():
    "Return when the first process has seen the end of a check, and written that down."
    def wait():
        [file] = pathlib.Path("reports").glob("2*/report.json")
        until(lambda: json.loads(file.read_text())["checksDone"])
    return wait
"""
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
FOLDERS = {"storage": "persistent_storage", "charts": "chart_deployment", "updates": "auto_update"}
DIVIDED = ("--clusters=2", "--cluster=embedded")


def make(pytester: pytest.Pytester, **sources: str) -> None:
    pytester.makeconftest(CONFTEST)
    files = {f"{FOLDERS[name]}/test_{name}": HEAD + source for name, source in sources.items()}
    pytester.makepyfile(**files)


def folder_of_run(pytester: pytest.Pytester) -> Path:
    [folder] = (pytester.path / "reports").glob("2*")
    return folder


def log(pytester: pytest.Pytester) -> list[tuple[int, str]]:
    """Return which process has said what, in the order of time."""
    lines = (pytester.path / "log").read_text().splitlines()
    return [(int(line.partition(" ")[0]), line.partition(" ")[2]) for line in lines]


def wait_until_gone(process: int) -> None:
    """Return when a process has ended, also where nobody asks what became of it."""
    deadline = time.monotonic() + 120
    while is_alive(process):
        assert time.monotonic() < deadline
        time.sleep(0.05)


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
GOES_ON = """
@check("chart_deployment.beside", promise="It holds.")
def test_beside(place, meet, until_one_is_done):
    meet("charts", ["storage"])
    until_one_is_done()

@check("chart_deployment.later", promise="It holds.")
def test_later(): pass
"""
LATER = """
@check("auto_update.much_later", promise="It holds.")
def test_much_later(): pass
"""


def test_after_the_first_failure_nothing_begins_and_lf_runs_what_failed(
    pytester: pytest.Pytester,
) -> None:
    make(pytester, storage=ENDS, charts=GOES_ON, updates=LATER)
    pytester.runpytest_subprocess(*DIVIDED, "-x").assert_outcomes(passed=1, failed=1)
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
    pytester.runpytest_subprocess(*DIVIDED, "--lf").assert_outcomes(failed=1)


HANGS = """
import os, pathlib, time

@check("{id}", promise="It holds.")
def test_hangs(place):
    pathlib.Path("{id}.new").write_text(str(os.getpid()))
    pathlib.Path("{id}.new").rename("{id}")  # whoever sees it reads the whole number
    for _ in range(600):
        time.sleep(0.1)
"""


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_divided_run_that_is_ended_leaves_a_report_and_nothing_else(
    pytester: pytest.Pytester, signum: signal.Signals
) -> None:
    ids = ("persistent_storage.hangs", "chart_deployment.hangs")
    storage, charts = (HANGS.format(id=name) for name in ids)
    make(pytester, storage=storage, charts=charts, updates=LATER)
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *DIVIDED],
        stdout=subprocess.PIPE,
        text=True,
        cwd=pytester.path,
    ) as process:
        for name in ids:
            wait_for_file(pytester.path / name)
        os.kill(process.pid, signum)
        output, _ = process.communicate(timeout=180)
    # Also where the first process was killed, the others take down what they have.
    for name in ids:
        wait_until_gone(int((pytester.path / name).read_text()))
    assert [text for _, text in log(pytester)][-2:] == ["down", "down"]
    left = report(pytester, folder_of_run(pytester).name)
    if signum is signal.SIGKILL:
        assert left["state"] == "running"
        return
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "Interrupted: 0 of 3 checks ran" in output
    assert left["state"] == "interrupted"
    found = checks(pytester, folder_of_run(pytester).name)
    assert [one["reason"] for one in found.values()] == [
        *["the run ended during this check"] * 2, "the run ended before its turn",
    ]  # fmt: skip


KILLED = """
import os, signal

@check("persistent_storage.kills", promise="It holds.")
def test_kills(place, meet):
    meet("storage", ["charts"])
    os.kill(os.getpid(), signal.SIGKILL)

@check("persistent_storage.after", promise="It holds.")
def test_after(place): pass
"""


def test_a_process_that_is_killed_fails_the_run_and_the_others_go_on(
    pytester: pytest.Pytester,
) -> None:
    charts = GOES_ON.replace("until_one_is_done()", "pass")
    make(pytester, storage=KILLED, charts=charts, updates=LATER)
    result = pytester.runpytest_subprocess(*DIVIDED)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    run = folder_of_run(pytester).name
    found = checks(pytester, run)
    name = found["chart_deployment.beside"]["cluster"]
    other = {"stackspin-1": "stackspin-2", "stackspin-2": "stackspin-1"}[name]
    why = f"the process of cluster {other} was killed by SIGKILL"
    for check in ("persistent_storage.kills", "persistent_storage.after"):
        result.stdout.fnmatch_lines([f"NOT RUN {check} *", f"  {why}"])
        assert (found[check]["reason"], found[check]["error"]) == (why, True)
    assert found["persistent_storage.kills"]["cluster"] == other
    assert found["persistent_storage.after"]["cluster"] == ""  # it did not begin
    assert found["auto_update.much_later"]["verdict"] == "pass"
    assert report(pytester, run)["errors"] == [why]


STOPS = """
@check("persistent_storage.stops", promise="It holds.")
def test_stops(place, meet):
    meet("storage", ["charts"])
    pytest.exit("as a plugin may")

@check("persistent_storage.after", promise="It holds.")
def test_after(place): pass
"""


def test_what_a_process_with_an_error_had_still_to_run_says_so(pytester: pytest.Pytester) -> None:
    make(
        pytester,
        storage=STOPS,
        charts=GOES_ON.replace("until_one_is_done()", "pass"),
        updates=LATER,
    )
    result = pytester.runpytest_subprocess(*DIVIDED)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    run = folder_of_run(pytester).name
    found = checks(pytester, run)
    [error] = report(pytester, run)["errors"]
    assert "as a plugin may" in error
    why = f"the process of cluster {error.partition(':')[0]} had an error"
    for check in ("persistent_storage.stops", "persistent_storage.after"):
        result.stdout.fnmatch_lines([f"NOT RUN {check} *", f"  {why}"])
        assert (found[check]["reason"], found[check]["error"]) == (why, True)
    assert found["auto_update.much_later"]["verdict"] == "pass"


SECRET = "hunter2-hunter2"
LEARNS = f"""
@check("persistent_storage.tells", promise="It holds.")
def test_tells(place, evidence, run):
    evidence.attach("seen.txt", "it is {SECRET}")
    assert "{SECRET[::-1]}"[::-1] == "", "before it was learnt"

@check("persistent_storage.learns", promise="It holds.")
def test_learns(place, run):
    run.redactor.learn_value("{SECRET}")
"""


def test_what_a_process_learns_is_in_no_file_of_the_report(pytester: pytest.Pytester) -> None:
    charts = GOES_ON.replace('meet("charts", ["storage"])', "pass")
    make(pytester, storage=LEARNS, charts=charts)
    pytester.runpytest_subprocess(*DIVIDED).assert_outcomes(passed=3, failed=1)
    assert report(pytester)["errors"] == []
    files = [path for path in folder_of_run(pytester).rglob("*") if path.is_file()]
    assert "it is ***" in (
        folder_of_run(pytester) / "evidence/persistent_storage.tells/seen.txt"
    ).read_text(encoding="utf-8")
    assert not [path for path in files if SECRET in path.read_text(encoding="utf-8")]


LEARNS_AND_IS_KILLED = f"""
import os, signal

@check("persistent_storage.learns", promise="It holds.")
def test_learns(place, evidence, run):
    evidence.attach("seen.txt", "it is {SECRET}")
    run.redactor.learn_value("{SECRET}")

@check("persistent_storage.kills", promise="It holds.")
def test_kills(place):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_process_had_learnt_before_it_was_killed_is_looked_for(
    pytester: pytest.Pytester,
) -> None:
    make(pytester, storage=LEARNS_AND_IS_KILLED, updates=LATER)
    pytester.runpytest_subprocess(*DIVIDED)
    [_, leak] = report(pytester, folder_of_run(pytester).name)["errors"]
    assert leak.startswith("A secret value is in the report: evidence/persistent_storage.learns/")


def test_errors_of_a_process_fail_the_run_and_name_its_cluster(pytester: pytest.Pytester) -> None:
    make(pytester, storage=STORAGE.replace("assert 1 + 1 == 3", "assert 3"), charts=CHARTS)
    conftest = CONFTEST.replace('    log("down")', '    raise RuntimeError("it is stuck")')
    pytester.makeconftest(conftest)
    result = pytester.runpytest_subprocess(*DIVIDED, "-k", "second")
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
    pytester.runpytest_subprocess(*DIVIDED).assert_outcomes(passed=3)
    before = report(pytester)["runId"]
    make(pytester, storage=source.replace("until_one_is_done()", "assert False"),
         charts=LATER.replace("auto_update", "chart_deployment"))  # fmt: skip
    result = pytester.runpytest_subprocess(*DIVIDED, "-p", "no:cacheprovider")
    result.stdout.fnmatch_lines([f"Since run {before}: 1 newly failing"])


def test_there_are_no_more_processes_than_groups(pytester: pytest.Pytester) -> None:
    make(pytester, storage=STORAGE.replace('meet("storage", ["charts"])', "pass"))
    pytester.runpytest_subprocess("--clusters=3", "--cluster=embedded")
    assert [text for _, text in log(pytester)].count("down") == 1


def test_an_existing_cluster_is_one(pytester: pytest.Pytester) -> None:
    make(pytester, storage=STORAGE)
    result = pytester.runpytest_subprocess("--clusters=2", "--cluster=existing")
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
