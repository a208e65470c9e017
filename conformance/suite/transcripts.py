"""Each check leaves what it asked and what it was answered: ``asked.txt`` among its evidence."""

from __future__ import annotations

import time
from collections.abc import Generator
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
        _rest_on_what_is_shared(item, kept)
        text = kept.text(recorder.redactor.redact)
        if text and not report.skipped:
            recorder.box(recorder.result(item.nodeid)).attach(FILE, text)
    return report


def _rest_on_what_is_shared(item: pytest.Item, kept: transcript.Transcript) -> None:
    known = item.session.stash.get(_SET_UP, {})
    values: dict[str, object] = getattr(item, "funcargs", {})
    for name, value in values.items():
        shared = known.get(name)
        if shared and shared.value is value and shared.by is not kept:
            kept.rest_on(shared.asked)
