"""What the reports of whole runs, of those that were ended, and of the next ones say."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from forked_pytest import forked, run_forked
from small_runs import HEAD, PASSES, RunChecks, report, runner, verdicts


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    return runner(pytester, monkeypatch)


SLOW = """
import pathlib, time

@pytest.fixture(scope="session")
def thing():
    yield
    pathlib.Path("torn-down").touch()

@check("auto_update.first", promise="It holds.")
def test_first(thing): pass

@check("auto_update.hangs", promise="It holds.")
def test_hangs(thing):
    pathlib.Path("hanging").touch()
    time.sleep(60)

@check("auto_update.later", promise="It holds.")
def test_later(thing): pass
"""


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_a_report_of_what_ran(
    pytester: pytest.Pytester, signum: signal.Signals
) -> None:
    pytester.makepyfile(**{"auto_update/test_auto_update": HEAD + SLOW})
    with forked(pytester.path) as process:
        wait_for_file(pytester.path / "hanging")
        (folder,) = (pytester.path / "reports").glob("2*")
        running = report(pytester, folder.name)
        os.kill(process.pid, signum)
        status = process.wait()
    output, _ = process.output()
    assert status == (-signum if signum is signal.SIGKILL else pytest.ExitCode.INTERRUPTED)
    assert f"report, rewritten as checks end: {folder}/report.html" in output
    assert (running["state"], running["process"]) == ("running", process.pid)
    left = report(pytester, folder.name)
    # A killed process cannot say that it was.
    killed = signum is signal.SIGKILL
    assert left["state"] == ("running" if killed else "interrupted")
    assert left["process"] == (process.pid if killed else None)
    assert (left["checksDone"], left["checksSelected"]) == (1, 3)
    assert verdicts(pytester, folder.name) == {
        "first": "pass", "hangs": "not run", "later": "not run",
    }  # fmt: skip
    assert (pytester.path / "torn-down").exists() != killed
    assert (folder / "report.html").exists()
    assert not (pytester.path / "reports" / "latest").is_symlink()


def test_the_command_in_a_report_has_no_password(
    run: RunChecks, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = "--platform-repository=https://"
    monkeypatch.setattr("sys.argv", ["pytest", f"{given}me:hidden@example.org/annex", "a@b"])
    run(PASSES)
    assert report(pytester)["command"] == ["pytest", f"{given}***@example.org/annex", "a@b"]


def test_each_check_that_began_says_when(run: RunChecks, pytester: pytest.Pytester) -> None:
    run(
        "@check('auto_update.x', promise='X.')\ndef test_x(): pass\n"
        "@check('auto_update.y', promise='Y.')\ndef test_y(): pass\n",
        "-k", "test_x",
    )  # fmt: skip
    first, other = report(pytester)["capabilities"][0]["checks"]
    assert 0 <= first["began"] <= report(pytester)["seconds"]
    assert other["began"] is None


def test_failure_txt_begins_with_what_was_seen(run: RunChecks, pytester: pytest.Pytester) -> None:
    run(
        "@pytest.fixture\ndef app():\n    return 'a long representation'\n"
        "@check('auto_update.x', promise='X.')\n"
        "def test_x(app):\n"
        "    try:\n        assert len(app) == 3, 'the app answers'\n"
        "    except AssertionError as error:\n"
        "        error.add_note('the node was busy')\n        raise\n"
    )
    (kept,) = (pytester.path / "reports" / "latest" / "evidence").glob("*/failure.txt")
    lines = kept.read_text().splitlines()
    assert lines[0] == "the app answers"
    assert lines.index("the node was busy") < lines.index("Where:")
    assert any("a long representation" in line for line in lines[lines.index("Where:") :])


def test_latest_is_the_last_whole_run(run: RunChecks, pytester: pytest.Pytester) -> None:
    checks = PASSES + "@check('auto_update.x', promise='X.')\ndef test_x(): assert %s"
    run(checks % "True")
    whole = report(pytester)
    assert (whole["state"], whole["checksDone"], whole["checksSelected"]) == ("complete", 2, 2)
    first_fails = "@check('auto_update.y', promise='Y.')\ndef test_y(): assert False\n" + checks
    result = run(first_fails % "True", "-x", "-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["Interrupted: 1 of 3 checks ran; *"])
    assert report(pytester)["runId"] == whole["runId"]


def wait_for_file(path: Path) -> None:
    deadline = time.monotonic() + 180
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


SECOND = "@check('auto_update.x', promise='X.')\ndef test_x(): pass\n"
AGAIN = ("-p", "no:cacheprovider")
"""A file that changes within a second must not be taken from pytest's cache."""


def test_two_runs_are_compared(run: RunChecks, pytester: pytest.Pytester) -> None:
    run(PASSES + SECOND)
    result = run(PASSES + SECOND.replace("pass", "assert 0, 'broke'"), *AGAIN)
    result.stdout.fnmatch_lines(["Since run *: 1 newly failing"])
    (change,) = report(pytester)["comparison"]["newlyFailing"]
    assert change["id"] == "auto_update.x"
    assert change["before"] == "pass"
    assert len(list((pytester.path / "reports").glob("2*"))) == 2


def test_a_run_is_compared_over_a_killed_one_and_over_a_check_that_was_added(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(PASSES)
    whole = report(pytester)["runId"]
    killed = "import os, signal\n" + SECOND.replace("pass", "os.kill(os.getpid(), signal.SIGKILL)")
    pytester.makepyfile(**{"auto_update/test_auto_update": HEAD + PASSES + killed})
    assert run_forked(pytester).ret == -signal.SIGKILL
    run(PASSES + SECOND, *AGAIN).stdout.fnmatch_lines([f"Since run {whole}: 1 new"])
    comparison = report(pytester)["comparison"]
    assert [change["id"] for change in comparison["new"]] == ["auto_update.x"]


def test_a_run_that_was_cut_short_is_compared_with_none(run: RunChecks) -> None:
    run(PASSES + SECOND)
    result = run("@check('auto_update.y', promise='Y.')\ndef test_y(): assert 0\n" + PASSES, "-x")
    result.stdout.no_fnmatch_line("Since run *")


@pytest.mark.parametrize(
    "arguments",
    [
        ["-k", "passes"],
        ["-m", "core"],
        ["auto_update/test_auto_update.py"],
        ["auto_update/test_auto_update.py::test_passes"],
        ["--deselect=auto_update/test_auto_update.py::test_x"],
        ["--dashboard-url=https://dashboard.example"],
    ],
    ids=" ".join,
)
def test_a_run_is_compared_with_one_of_the_same_selection_only(
    run: RunChecks, pytester: pytest.Pytester, arguments: list[str]
) -> None:
    run(PASSES + SECOND)
    run(PASSES + SECOND, *arguments)
    selected = report(pytester)
    assert selected["comparison"] is None
    run(PASSES + SECOND, *arguments)
    assert report(pytester)["comparison"]["previousRunId"] == selected["runId"]


def test_another_dashboard_from_the_environment_is_another_selection(
    run: RunChecks, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(PASSES)
    monkeypatch.setenv("STACKSPIN_CONFORMANCE_DASHBOARD_URL", "https://dashboard.example")
    run(PASSES)
    assert report(pytester)["comparison"] is None


def test_a_selection_is_the_same_however_it_is_written(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    file = pytester.path / "auto_update/test_auto_update.py"
    run(PASSES, "./auto_update/test_auto_update.py", "-k", "passes  or   x")
    first = report(pytester)
    assert first["selection"] == ["auto_update/test_auto_update.py", "-k passes or x"]
    run(PASSES, str(file), "-kpasses or x", "--domain=another.test")
    assert report(pytester)["comparison"]["previousRunId"] == first["runId"]
