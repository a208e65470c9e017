"""Each check leaves what it asked and what it was answered: ``asked.txt`` among its evidence."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from conformance.common import transcript
from conformance.suite.check import check_of
from conformance.suite.run import RUN

_TRANSCRIPT = pytest.StashKey[transcript.Transcript]()
FILE = "asked.txt"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin with a check's set-up: what is asked there is what the check stands on."""
    if check_of(item):
        item.stash[_TRANSCRIPT] = transcript.begin()


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
        text = kept.text(recorder.redactor.redact)
        if text and not report.skipped:
            recorder.box(recorder.result(item.nodeid)).attach(FILE, text)
    return report
