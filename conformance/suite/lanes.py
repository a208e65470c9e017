"""Checks side by side on one cluster: ``--lanes=2``.

This is the first session's part: it makes the lanes, shows what each check came to, and at the end
takes away what all have shared. The checks themselves run in the lanes (``lane_session``), in the
order that ``lane_plan`` allows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

import pytest
from _pytest import runner

from conformance.common.settings import Settings
from conformance.report.level import Level
from conformance.suite.check import check_of
from conformance.suite.given_apps import given_apps
from conformance.suite.lane_output import Output
from conformance.suite.lane_plan import Plan, chains_of
from conformance.suite.lane_session import Lane, SharedFixtures
from conformance.suite.run import Run

INTERRUPTED = 5.0
"""Seconds that lanes have after Ctrl-C to take down what their checks have made. What still waits
then is left: its cluster goes, or what it made is found by the run's label."""
FOLLOWED = ("usepdb", "trace", "setupshow", "setuponly", "setupplan", "pause_on_failure")
"""Options with which checks run one after another: somebody follows them at the terminal."""

_AUTO = 2


def may_run_side_by_side(config: pytest.Config) -> bool:
    """Whether a run's options allow that checks run at the same time; not on given apps.

    Nor twins: the platform has a defect during each.
    """
    one_by_one = any(config.getoption(name, default=None) for name in (*FOLLOWED, "twins"))
    return not one_by_one and not given_apps(config)


def number_of_lanes(session: pytest.Session, settings: Settings) -> int:
    """Return how many of a run's checks may run at the same time.

    With ``auto``, core checks do so by twos. Among the extended ones are many that need the
    platform for themselves, or measure it.
    """
    if settings.clusters != "1" or not may_run_side_by_side(session.config):
        return 1
    if settings.lanes != "auto":
        return int(settings.lanes)
    checks = [check_of(item) for item in session.items]
    all_core = all(check is not None and check.level is Level.CORE for check in checks)
    return _AUTO if all_core else 1


class Lanes:
    """Hooks of a run in lanes; ``plugins`` are those that each lane has, too."""

    def __init__(self, number: int, run: Run, plugins: Mapping[str, object]) -> None:
        self._number = number
        self._run = run
        self._plugins = plugins
        self._output = Output()
        self._lock = threading.Lock()
        self._interrupted = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run the checks in lanes."""
        if session.testsfailed:
            return None  # collection failed: pytest says so
        # What plugins do around a check, such as keeping its warnings, is done once around all.
        session.config.hook.pytest_runtest_protocol(item=session.items[0], nextitem=None)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool:
        """Run all checks, whichever the first one is."""
        session = item.session
        plan, lanes = Plan(chains_of(session.items)), list[Lane]()
        shared = SharedFixtures(session)
        with pytest.MonkeyPatch.context() as patch, self._output.by_thread(item.config):
            # pytest has one environment variable for the name of the one test that runs.
            patch.setattr(runner, "_update_current_test_var", lambda _item, _when: None)
            try:
                for number in range(1, self._number + 1):
                    lanes.append(self._lane(number, session, shared, plan))
                for lane in lanes:
                    lane.start(plan)
                for lane in lanes:
                    lane.join()
            except BaseException:
                shared.end()
                self._interrupt(plan, lanes)
                raise
            finally:
                for lane in reversed(lanes):
                    lane.close()
        for error in filter(None, (lane.error for lane in lanes)):
            raise error
        left = self._taken_down(session)
        for lane in lanes:
            lane.release()
        for error in filter(None, [*(lane.left for lane in lanes), left]):
            self._run.recorder.error(f"clean-up failed: {error}")
        return True

    def _lane(
        self, number: int, session: pytest.Session, shared: SharedFixtures, plan: Plan
    ) -> Lane:
        def ended(item: pytest.Item, reports: Sequence[pytest.TestReport]) -> None:
            with self._lock:
                if self._interrupted:
                    return
                hook, where = item.ihook, {"nodeid": item.nodeid, "location": item.location}
                hook.pytest_runtest_logstart(**where)
                for report in reports:
                    hook.pytest_runtest_logreport(report=report)
                hook.pytest_runtest_logfinish(**where)
                if session.shouldfail or session.shouldstop:
                    plan.stop()

        return Lane(number, session, shared, self._plugins, self._output, ended)

    def _interrupt(self, plan: Plan, lanes: Sequence[Lane]) -> None:
        """End the lanes early; no check is reported any more."""
        with self._lock:
            self._interrupted = True
        plan.stop()
        for lane in lanes:
            lane.interrupt()
        deadline = time.monotonic() + INTERRUPTED
        for lane in lanes:
            lane.join(max(0.0, deadline - time.monotonic()))

    @staticmethod
    def _taken_down(session: pytest.Session) -> Exception | None:
        """Tear down what the checks have shared; return what went wrong."""
        try:
            session._setupstate.teardown_exact(None)
        except Exception as error:
            return error
        return None
