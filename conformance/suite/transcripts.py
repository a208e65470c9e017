"""Each check leaves what it asked and what it was answered: ``asked.txt`` among its evidence."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

import pytest

from conformance.common import transcript
from conformance.suite.check import check_of
from conformance.suite.run import RUN


@dataclass(frozen=True)
class _SetUp:
    """What was asked while a fixture was set up that several checks share."""

    value: object
    asked: transcript.Transcript
    by: transcript.Transcript
    """The transcript of the check that was the first to need it, which holds the same lines."""


_TRANSCRIPT = pytest.StashKey[transcript.Transcript]()
_SET_UP = pytest.StashKey[dict[str, _SetUp]]()
"""Of a session, by the fixture's name: the latest."""
FILE = "asked.txt"
_OF_A_FIXTURE = 20
"""Lines; the check that set it up has them all."""
_BEFORE = "Set up before, for several checks:"
_THEN = "This check:"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin with a check's set-up: what is asked there is what the check stands on."""
    if check_of(item):
        item.stash[_TRANSCRIPT] = transcript.begin()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Keep what a fixture asks that the next checks of its file share.

    Not those of the whole run: they install the platform, which the report has elsewhere.
    """
    began, kept = time.monotonic(), transcript.current()
    value = yield
    if kept is not None and fixturedef.scope not in ("function", "session"):
        of_session = request.session.stash.setdefault(_SET_UP, {})
        of_session[fixturedef.argname] = _SetUp(value, kept.since(began), kept)
    return value


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the transcript when a check has passed or failed, before its clean-up asks more."""
    kept = item.stash.get(_TRANSCRIPT, None)
    report = yield
    if kept is None:
        return report
    if report.when == "teardown":
        transcript.end()
    elif report.when == "call" or report.failed:
        recorder = item.config.stash[RUN].recorder
        text = _text(item, kept, recorder.redactor.redact)
        if text and not report.skipped:
            recorder.box(recorder.result(item.nodeid)).attach(FILE, text)
    return report


def _text(item: pytest.Item, kept: transcript.Transcript, redact: Callable[[str], str]) -> str:
    """Return what the check asked, after what was asked before for fixtures that it uses."""
    known = item.session.stash.get(_SET_UP, {})
    values: dict[str, object] = getattr(item, "funcargs", {})
    shared = [
        known[name].asked.text(redact, _OF_A_FIXTURE)
        for name in values
        if name in known and known[name].value is values[name] and known[name].by is not kept
    ]
    before, own = "".join(shared), kept.text(redact)
    return f"{_BEFORE}\n{before}\n{_THEN}\n{own}" if before else own
