"""A lane: a second pytest session in this process, which runs some of the checks of the first.

It has what pytest keeps once a session, so that two checks can be set up, called and torn down at
the same time. What the checks share, it has from the first session: fixtures of scope "session",
verdicts, evidence and the report. pytest-xdist's workers do the same in processes, in which a
cluster, a platform being installed and images being built could not be shared.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import threading
from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest
from _pytest.compat import NOTSET
from _pytest.fixtures import RequestFixtureDef, SubRequest
from _pytest.scope import Scope

from conformance.common import course
from conformance.common.course import Step
from conformance.suite import schedule
from conformance.suite.lane_output import Output
from conformance.suite.lane_plan import LANE, Chain, Plan
from conformance.suite.run import RUN

_OWN = frozenset({"pytestconfig", "browser"})
"""Fixtures of scope "session" that each lane has itself: Playwright's objects belong to the thread
that made them."""
_WITHOUT = (
    "terminal", "junitxml", "cacheprovider", "stepwise", "pastebin", "faulthandler", "warnings",
    "unraisableexception", "threadexception",
)  # fmt: skip
"""Plugins that the first session has for all lanes."""
_OPTIONS: Mapping[str, Any] = {
    "keyword": "", "markexpr": "", "deselect": None, "all": True, "lf": False, "failedfirst": False,
    "newfirst": False, "maxfail": 0, "capture": "no", "xmlpath": None, "basetemp": None,
}  # fmt: skip
"""Options of a lane: it collects all checks, and is then told which of them it may run."""

_EXPLAINING = threading.Lock()
"""Held while a failure is explained: pytest parses source code for that, and Python 3.11 counts how
deep it is in a parsed tree once for all threads ("AST constructor recursion depth mismatch")."""
_THREAD = "lane-"
_ANOTHER_LANE = Step("preparation", "what another lane sets up")
Reports = list[pytest.TestReport]


class SharedFixtures:
    """The first session's fixtures of scope "session", set up by whichever lane asks first."""

    def __init__(self, session: pytest.Session) -> None:
        self._items = {item.nodeid: item for item in session.items}
        self._lock = threading.RLock()  # one at a time: they are set up by one another
        self._values: dict[tuple[str, object], object] = {}
        self._ended = False
        # What they register for the end of the session belongs to this node of it.
        session._setupstate.setup(session)  # type: ignore[arg-type]

    def value(self, name: str, node_id: str, key: object = None) -> object:
        """Return a fixture's value, or raise what setting it up raised.

        ``key`` tells the values of a parametrized one apart.
        """
        if (name, key) in self._values:  # whatever is being set up now
            return self._values[name, key]
        with contextlib.ExitStack() as held:
            with course.waiting_for(_ANOTHER_LANE):
                held.enter_context(self._lock)
            if self._ended:
                raise KeyboardInterrupt
            asking = self._items[node_id]._request  # type: ignore[attr-defined]
            # The session asks: in pytest's eyes the check itself is in another one.
            request = SubRequest(
                asking, Scope.Session, NOTSET, 0, RequestFixtureDef(asking), _ispytest=True
            )
            try:
                value = self._values[name, key] = request.getfixturevalue(name)
            except Exception:
                if self._ended:  # it failed because of that
                    raise KeyboardInterrupt from None
                raise
            return value

    def end(self) -> None:
        """Set nothing up any more: the session is being torn down, and its checks are no failures.

        A lane that asks is interrupted.
        """
        self._ended = True


class Lane:
    """One lane; made and ended in the main thread, it runs in a thread of its own.

    ``plugins`` are registered in its session, too. ``ended`` is called with the reports of each
    check, in the lane's thread.
    """

    def __init__(
        self,
        number: int,
        first: pytest.Session,
        shared: SharedFixtures,
        plugins: Mapping[str, object],
        output: Output,
        ended: Callable[[pytest.Item, Reports], None],
    ) -> None:
        self.error: BaseException | None = None
        """What ended the lane before its time."""
        self.left: BaseException | None = None
        """What went wrong when its own fixtures of scope "session" were torn down."""
        self._shared = shared
        self._output = output
        self._ended = ended
        self._reports: Reports = []
        self._number = number
        self._config = self._configured(first.config)
        self._thread = threading.Thread(
            target=self._work_on, name=f"{_THREAD}{number}", daemon=True
        )
        self._done, self._released = threading.Event(), threading.Event()
        self._session = pytest.Session.from_config(self._config)
        self._config._do_configure()
        self._config.hook.pytest_sessionstart(session=self._session)
        self._config.hook.pytest_collection(session=self._session)
        mine = {item.nodeid: item for item in self._session.items}
        self._session.items = [mine[item.nodeid] for item in first.items]
        schedule.arrange(self._session.items)
        self._items = {item.nodeid: item for item in self._session.items}
        self._config.pluginmanager.register(self, "stackspin-conformance-lane")
        for name, plugin in plugins.items():
            self._config.pluginmanager.register(plugin, name)
        self._plan: Plan | None = None
        self._keep_logs_apart()

    @staticmethod
    def _configured(first: pytest.Config) -> pytest.Config:
        without = [word for name in _WITHOUT for word in ("-p", f"no:{name}")]
        given = {**vars(first.option), **_OPTIONS, "plugins": list(first.option.plugins)}
        del given["file_or_dir"]  # given as arguments
        config = pytest.Config.fromdictargs(given, [*without, *map(str, first.args)])
        config.stash[LANE] = True
        config.stash[RUN] = first.stash[RUN]
        return config

    def _keep_logs_apart(self) -> None:
        """Keep what the checks of another lane log out of the reports of this one's."""
        if plugin := self._config.pluginmanager.get_plugin("logging-plugin"):
            for handler in (plugin.caplog_handler, plugin.report_handler):
                handler.addFilter(self._is_of_no_other)

    def _is_of_no_other(self, record: logging.LogRecord) -> bool:
        name = record.threadName or ""
        return name == self._thread.name or not name.startswith(_THREAD)

    def start(self, plan: Plan) -> None:
        """Run chains of ``plan`` until there is none any more."""
        self._plan = plan
        self._thread.start()

    def join(self, timeout: float | None = None) -> None:
        """Wait until all checks of the lane have ended, at most ``timeout`` seconds."""
        self._done.wait(timeout)

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the lane, as soon as what it waits for returns."""
        if self._thread.ident is not None and not self._done.is_set():
            ident, error = ctypes.c_ulong(self._thread.ident), ctypes.py_object(KeyboardInterrupt)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, error)

    def close(self) -> None:
        """End the session if all checks of the lane have ended."""
        if self._done.is_set() or not self._thread.ident:
            self._config.hook.pytest_sessionfinish(
                session=self._session, exitstatus=pytest.ExitCode.OK
            )
            self._config._ensure_unconfigure()

    def release(self) -> None:
        """End the thread, once nothing is left of what was set up in it for all lanes."""
        self._released.set()

    def _work_on(self) -> None:
        plan = self._plan
        assert plan is not None  # noqa: S101 - start() sets it
        try:
            while chain := plan.take():
                try:
                    self._run(chain, plan)
                finally:
                    plan.done(chain)
        except BaseException as error:  # a thread has nobody to raise to
            self.error = error
            plan.stop()
        try:
            self._session._setupstate.teardown_exact(None)
        except BaseException as error:
            self.left = error
        self._done.set()
        # A process that is to end with the run ends with the thread that started it (prison).
        self._released.wait()

    def _run(self, chain: Chain, plan: Plan) -> None:
        hook, items = self._config.hook, chain.items
        for item, following in zip(items, [*items[1:], None], strict=True):
            if plan.stopped:
                return
            # After the last one everything but the session's own is torn down.
            after = self._items[following.nodeid] if following else self._session
            self._reports = []
            if result := self._config.stash[RUN].recorder.find(item.nodeid):
                result.lane = self._number
            hook.pytest_runtest_protocol(item=self._items[item.nodeid], nextitem=after)
            self._ended(item, self._reports)
            plan.went_on(chain)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Keep what is printed while a check is set up."""
        with self._output.of(item._report_sections, "setup"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Keep what a check prints."""
        with self._output.of(item._report_sections, "call"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """Keep what is printed while a check is torn down."""
        with self._output.of(item._report_sections, "teardown"):
            return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let one lane at a time explain what failed."""
        with _EXPLAINING:
            return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a report for the first session, which shows those of a check at once."""
        self._reports.append(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> bool | None:
        """Take a fixture that all lanes share from the first session."""
        if fixturedef.scope != "session" or fixturedef.argname in _OWN:
            return None
        key = fixturedef.cache_key(request)  # type: ignore[arg-type]
        try:
            value = self._shared.value(fixturedef.argname, request._pyfuncitem.nodeid, key)
        except BaseException as error:
            fixturedef.cached_result = (None, key, (error, error.__traceback__))
            raise
        fixturedef.cached_result = (value, key, None)
        return True  # pytest asks nobody else; the value is in cached_result
