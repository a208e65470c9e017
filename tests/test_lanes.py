"""A small suite in two lanes: what runs at the same time, what each check is told and leaves."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from forked_pytest import forked, run_forked
from small_runs import HEAD, checks, evidence, report
from test_plugin_reports import wait_for_file

from conformance.common import course
from conformance.common.errors import HarnessError
from conformance.suite import lane_session

HELPERS = """
import contextlib, threading

MEETING = threading.Barrier(2)
RUNNING, LOG, PLACES = [], [], []

def meet():
    "Return when a check of another lane has come here, too."
    MEETING.wait(timeout=60)

@contextlib.contextmanager
def running(name):
    RUNNING.append(name)
    yield list(RUNNING)
    RUNNING.remove(name)
"""
CONFTEST = """
import pathlib
import pytest
from conformance.suite.check import shared
from helpers import LOG

@pytest.fixture(scope="session")
def place():
    LOG.append("place up")
    yield object()
    LOG.append("place down")
    pathlib.Path("log").write_text("\\n".join(LOG))

@pytest.fixture(scope="session")
def broken():
    LOG.append("broken")
    raise AssertionError("it is broken")

@pytest.fixture(scope="session")
def nothing(place):
    LOG.append("nothing")

@pytest.fixture(scope=shared)
def room(request, place, nothing):
    LOG.append(f"room of {request.path.stem}")
    yield request.path.stem
    LOG.append(f"no room of {request.path.stem}")
"""
STORAGE = """
from helpers import LOG, PLACES, meet, running

@check("persistent_storage.first", promise="It holds.")
def test_first(place, room, evidence):
    PLACES.append(place)
    meet()  # both lanes have a room now
    print("printed by storage")
    evidence.attach("seen.txt", room)
    meet()
    assert room == "test_storage"
    assert 1 + 1 == 3, "sums are wrong"

@check("persistent_storage.second", promise="It holds.")
def test_second(room, broken): pass
"""
CHARTS = """
from helpers import LOG, PLACES, meet, running

@check("chart_deployment.first", promise="It holds.")
def test_first(place, room, evidence):
    PLACES.append(place)
    meet()
    print("printed by charts")
    evidence.attach("seen.txt", room)
    meet()
    assert room == "test_charts"

@check("chart_deployment.second", promise="It holds.")
def test_second(place, room, broken):
    pass

@check("chart_deployment.third", promise="It holds.")
def test_third(place, room):
    assert PLACES == [place, place]
    assert {"1": 1} == {"1": 2}
"""
PACKAGE = """
import time
from helpers import LOG, running

@check("app_runs.alone", promise="It holds.")
def test_alone(place):
    with running("alone") as others:
        time.sleep(0.2)
        assert others == ["alone"]
"""
LOGINS = """
from helpers import running

@check("single_sign_on.login", promise="It holds.")
def test_login(place):
    with running("login") as others:
        assert "alone" not in others
"""


def make(pytester: pytest.Pytester, **sources: str) -> None:
    pytester.makepyfile(helpers=HELPERS)
    pytester.makeconftest(CONFTEST)
    folders = {"storage": "persistent_storage", "charts": "chart_deployment",
               "package": "app_runs", "logins": "single_sign_on"}  # fmt: skip
    files = {f"{folders[name]}/test_{name}": HEAD + source for name, source in sources.items()}
    pytester.makepyfile(**files)


def test_two_lanes_share_what_is_the_sessions_and_nothing_else(pytester: pytest.Pytester) -> None:
    make(pytester, storage=STORAGE, charts=CHARTS, package=PACKAGE, logins=LOGINS)
    result = pytester.runpytest_subprocess("--lanes=2", "-v", "--junitxml=all.xml")
    result.assert_outcomes(passed=3, failed=2, errors=2)
    found = checks(pytester)
    # One report, whole, in the order of the checks; a line for each check on the terminal.
    assert (report(pytester)["state"], report(pytester)["checksDone"]) == ("complete", 7)
    assert [(name, check["verdict"]) for name, check in found.items()] == [
        ("persistent_storage.first", "fail"),
        ("persistent_storage.second", "fail"),
        ("chart_deployment.first", "pass"),
        ("chart_deployment.second", "fail"),
        ("chart_deployment.third", "fail"),
        ("single_sign_on.login", "pass"),
        ("app_runs.alone", "pass"),
    ]
    result.stdout.fnmatch_lines_random(
        ["FAIL persistent_storage.first *", "  sums are wrong", "PASS single_sign_on.login *"]
    )
    assert "\r" not in result.stdout.str()
    assert (pytester.path / "all.xml").read_text().count("<testcase") == 7
    # Each says in which lane it ran.
    lanes = {name: check["lane"] for name, check in found.items()}
    assert {lanes["persistent_storage.first"], lanes["chart_deployment.first"]} == {1, 2}
    assert lanes["persistent_storage.first"] == lanes["persistent_storage.second"]
    # Evidence, and what was printed, belongs to the check that left it.
    storage, charts = found["persistent_storage.first"], found["chart_deployment.third"]
    assert evidence(pytester, storage, "seen.txt") == "test_storage"
    assert evidence(pytester, found["chart_deployment.first"], "seen.txt") == "test_charts"
    (printed,) = [one["name"] for one in storage["evidence"] if "stdout" in one["name"]]
    assert evidence(pytester, storage, printed).strip() == "printed by storage"
    assert "{'1': 1} != {'1': 2}" in evidence(pytester, charts, "failure.txt")
    # What failed to be set up for all was tried once, and is reported once.
    reasons = [check["reason"] for name, check in found.items() if name.endswith(".second")]
    assert sum("reported at" in reason for reason in reasons) == 1
    log = (pytester.path / "log").read_text().splitlines()
    assert log[0] == "place up"
    assert log[-1] == "place down"
    assert log.count("nothing") == log.count("broken") == log.count("room of test_charts") == 1


ENDS = """
from helpers import meet

@check("persistent_storage.breaks", promise="It holds.")
def test_breaks():
    meet()
    assert False
"""
GOES_ON = """
import time
from helpers import meet

@check("chart_deployment.beside", promise="It holds.")
def test_beside(place):
    meet()
    time.sleep(3)

@check("chart_deployment.later", promise="It holds.")
def test_later(): pass
"""


class Clock:
    """Stands still unless it is moved, and says when somebody has looked at it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looked_at = threading.Event()

    def monotonic(self) -> float:
        now = self.now
        self.looked_at.set()
        return now

    def move(self) -> None:
        """Let so much time go by that a wait for as long is reported."""
        self.now += 5 * course.SHORTEST


def test_a_check_says_that_it_waited_for_what_another_lane_sets_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item = SimpleNamespace(nodeid="x", _request=None)
    session: Any = SimpleNamespace(items=[item], _setupstate=SimpleNamespace(setup=print))
    shared, clock = lane_session.SharedFixtures(session), Clock()

    def set_up(name: str) -> str:
        clock.move()
        return f"the {name}"

    asked = SimpleNamespace(getfixturevalue=set_up)
    monkeypatch.setattr(lane_session, "SubRequest", lambda *_, **__: asked)
    monkeypatch.setattr(lane_session, "RequestFixtureDef", lambda _: None)
    monkeypatch.setattr(course, "time", clock)

    def ask() -> tuple[object, list[tuple[str, float]]]:
        value, waited = shared.value("cluster", "x"), course.take_awaited()
        return value, [(one.step.name, one.ended - one.began) for one in waited]

    with ThreadPoolExecutor(1) as executor:
        with shared._lock:
            asking = executor.submit(ask)
            assert clock.looked_at.wait(60)
            clock.move()
        waited = [("what another lane sets up", 5 * course.SHORTEST)]
        assert asking.result(60) == ("the cluster", waited)
        assert executor.submit(ask).result(60) == ("the cluster", [])


def test_what_is_there_is_given_while_another_lane_sets_something_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item = SimpleNamespace(nodeid="x", _request=None)
    session: Any = SimpleNamespace(items=[item], _setupstate=SimpleNamespace(setup=print))
    shared = lane_session.SharedFixtures(session)
    asked = SimpleNamespace(getfixturevalue=lambda name: f"the {name}")
    monkeypatch.setattr(lane_session, "SubRequest", lambda *_, **__: asked)
    monkeypatch.setattr(lane_session, "RequestFixtureDef", lambda _: None)
    assert shared.value("images", "x") == "the images"
    with ThreadPoolExecutor(1) as executor, shared._lock:
        assert executor.submit(shared.value, "images", "x").result(60) == "the images"


def test_a_lane_that_asks_after_the_end_is_interrupted_and_so_is_one_that_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item = SimpleNamespace(nodeid="x", _request=None)
    session: Any = SimpleNamespace(items=[item], _setupstate=SimpleNamespace(setup=print))
    shared, asked, over = lane_session.SharedFixtures(session), threading.Event(), threading.Event()

    def fails_at_the_end(_: str) -> str:
        asked.set()
        assert over.wait(60)
        raise HarnessError("cancelled")

    setting_up = SimpleNamespace(getfixturevalue=fails_at_the_end)
    monkeypatch.setattr(lane_session, "SubRequest", lambda *_, **__: setting_up)
    monkeypatch.setattr(lane_session, "RequestFixtureDef", lambda _: None)
    with ThreadPoolExecutor(2) as executor:
        waiting = executor.submit(shared.value, "cluster", "x")
        assert asked.wait(60)
        shared.end()
        over.set()
        with pytest.raises(KeyboardInterrupt):
            waiting.result(60)
        with pytest.raises(KeyboardInterrupt):
            executor.submit(shared.value, "images", "x").result(60)


def test_after_the_first_failure_nothing_begins_and_lf_runs_what_failed(
    pytester: pytest.Pytester,
) -> None:
    make(pytester, storage=ENDS, charts=GOES_ON, logins=LOGINS)
    run_forked(pytester, "--lanes=2", "-x").assert_outcomes(passed=1, failed=1)
    (folder,) = (pytester.path / "reports").glob("2*")
    assert {name: one["verdict"] for name, one in checks(pytester, folder.name).items()} == {
        "persistent_storage.breaks": "fail",
        "chart_deployment.beside": "pass",
        "chart_deployment.later": "not run",
        "single_sign_on.login": "not run",
    }
    assert report(pytester, folder.name)["state"] == "interrupted"
    make(pytester, storage=ENDS.replace("meet()", "pass"), charts=GOES_ON, logins=LOGINS)
    again = run_forked(pytester, "--lanes=2", "--lf")
    again.assert_outcomes(failed=1)
    assert "warning" not in again.stdout.str()


HANGS = """
import pathlib, time
from helpers import meet

@check("{id}", promise="It holds.")
def test_hangs(place, room):
    meet()
    pathlib.Path("{id}").touch()
    for _ in range(600):
        time.sleep(0.1)
"""


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_run_in_lanes_that_is_ended_takes_down_all_and_leaves_a_report(
    pytester: pytest.Pytester, signum: signal.Signals
) -> None:
    ids = ("persistent_storage.hangs", "chart_deployment.hangs")
    storage, charts = (HANGS.format(id=name) for name in ids)
    make(pytester, storage=storage, charts=charts, logins=LOGINS)
    with forked(pytester.path, "--lanes=2") as process:
        for name in ids:
            wait_for_file(pytester.path / name)
        os.kill(process.pid, signum)
        status = process.wait()
    output, _ = process.output()
    assert status == pytest.ExitCode.INTERRUPTED
    assert "Interrupted: 0 of 3 checks ran" in output
    (folder,) = (pytester.path / "reports").glob("2*")
    assert {one["reason"] for one in checks(pytester, folder.name).values()} == {
        "the run ended during this check", "not reached before the run ended",
    }  # fmt: skip
    log = (pytester.path / "log").read_text().splitlines()
    assert {*log[-3:-1]} == {"no room of test_storage", "no room of test_charts"}
    assert log[-1] == "place down"


def test_twins_run_one_after_another(pytester: pytest.Pytester) -> None:
    from conformance.suite.lanes import may_run_side_by_side

    assert may_run_side_by_side(pytester.parseconfig())
    assert not may_run_side_by_side(pytester.parseconfig("--twins"))
    assert not may_run_side_by_side(pytester.parseconfig("--pdb"))


@pytest.mark.parametrize(
    ("options", "lanes"),
    [
        ((), "2"),
        (("--lanes=1",), "1"),
        (("--all",), "1"),
        (("--all", "--lanes=3"), "3"),
        (("--cluster=existing",), "2"),
        (("--clusters=2",), "1"),
    ],
)
def test_core_checks_run_by_twos_unless_something_speaks_against_it(
    pytester: pytest.Pytester, options: tuple[str, ...], lanes: str
) -> None:
    a_check = "@check('auto_update.{0}', promise='It holds.', level='{1}')\ndef test_{0}(): pass\n"
    checks = a_check.format("a", "core") + a_check.format("b", "extended")
    pytester.makepyfile(**{"auto_update/test_two": HEAD + checks})
    run_forked(pytester, *options)
    [written] = (pytester.path / "reports").glob("2*")
    assert report(pytester, written.name)["settings"]["lanes"] == lanes
