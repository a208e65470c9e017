"""A divided run, or a process of one, that ends early: what is left, and what is told."""

from __future__ import annotations

import os
import signal
import time

import pytest
from alive import is_alive
from divided_runs import DIVIDED, GOES_ON, LATER, folder_of_run, log, make
from forked_pytest import forked, run_forked
from small_runs import checks, report
from test_plugin_reports import wait_for_file

HANGS = """
import os, pathlib, time

@check("{id}", promise="It holds.")
def test_hangs(place):
    pathlib.Path("{id}.new").write_text(str(os.getpid()))
    pathlib.Path("{id}.new").rename("{id}")  # whoever sees it reads the whole number
    for _ in range(600):
        time.sleep(0.1)
"""


def wait_until_gone(process: int) -> None:
    """Return when a process has ended, also where nobody asks what became of it."""
    deadline = time.monotonic() + 120
    while is_alive(process):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_divided_run_that_is_ended_leaves_a_report_and_nothing_else(
    pytester: pytest.Pytester, signum: signal.Signals
) -> None:
    ids = ("persistent_storage.hangs", "chart_deployment.hangs")
    storage, charts = (HANGS.format(id=name) for name in ids)
    make(pytester, storage=storage, charts=charts, updates=LATER)
    with forked(pytester.path, *DIVIDED) as process:
        for name in ids:
            wait_for_file(pytester.path / name)
        os.kill(process.pid, signum)
        status = process.wait()
    output, _ = process.output()
    # Also where the first process was killed, the others take down what they have.
    for name in ids:
        wait_until_gone(int((pytester.path / name).read_text()))
    assert [text for _, text in log(pytester)][-2:] == ["down", "down"]
    left = report(pytester, folder_of_run(pytester).name)
    if signum is signal.SIGKILL:
        assert left["state"] == "running"
        return
    assert status == pytest.ExitCode.INTERRUPTED
    assert "Interrupted: 0 of 3 checks ran" in output
    assert left["state"] == "interrupted"
    found = checks(pytester, folder_of_run(pytester).name)
    assert [one["reason"] for one in found.values()] == [
        *["the run ended during this check"] * 2, "not reached before the run ended",
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
    result = run_forked(pytester, *DIVIDED)
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
    result = run_forked(pytester, *DIVIDED)
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
    run_forked(pytester, *DIVIDED).assert_outcomes(passed=3, failed=1)
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
    run_forked(pytester, *DIVIDED)
    [_, leak] = report(pytester, folder_of_run(pytester).name)["errors"]
    assert leak.startswith("A secret value is in the report: evidence/persistent_storage.learns/")
