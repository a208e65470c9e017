"""When each check of a run begins: the report shows all of them on one line of time."""

from __future__ import annotations

import pytest

from conformance.suite.check import check_of
from conformance.suite.run import RUN


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note it down before anything is set up for the check."""
    if check_of(item):
        recorder = item.config.stash[RUN].recorder
        recorder.result(item.nodeid).began = recorder.elapsed()
