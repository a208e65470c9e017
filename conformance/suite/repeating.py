"""Each chosen check several times: ``--repeat 3``. Plugin of a run of checks.

All results stay: a check that failed once has failed, and the report says how often it passed. What
shares an installation, the checks of a file on one app, is repeated together, and set up anew each
time: some of these checks go on from what the one before them did.
"""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Iterable

import pytest
from _pytest import runner

from conformance.common.options import ENVIRONMENT_PREFIX
from conformance.report.results import Repetition
from conformance.suite.check import app_of, check_of
from conformance.suite.session_options import add_fixture

_NAME = "repetition"
_TIMES = re.compile("[1-9][0-9]*")


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each repetition; its number comes last in the test's name."""
    times = repetitions(metafunc.config)
    if times > 1 and metafunc.definition.get_closest_marker("check"):
        each = [Repetition(number=number, of=times) for number in range(1, times + 1)]
        add_fixture(metafunc, _NAME)
        metafunc.parametrize(_NAME, each, ids=[one.suffix for one in each])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have what shares an installation run once for each repetition, one after another.

    Raises ``UsageError`` if ``--repeat`` is no number of times.
    """
    if not _TIMES.fullmatch(given := _given(config)) and any(map(check_of, items)):
        raise pytest.UsageError(f"--repeat={given}: give how often each check is to run, 1 or more")
    if repetitions(config) > 1:  # else the order is pytest's own
        items[:] = [item for group in together(items) for item in sorted(group, key=_number)]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """After the last check of a repetition, take down what its checks have shared."""
    if nextitem is None or repetition_of(item) == repetition_of(nextitem):
        return None
    runner.pytest_runtest_protocol(item, nextitem=item.session)  # type: ignore[arg-type]
    return True


def repetitions(config: pytest.Config) -> int:
    """Return how often each check runs; once, if what was given is no number of times."""
    given = _given(config)
    return int(given) if _TIMES.fullmatch(given) else 1


def _given(config: pytest.Config) -> str:
    # Not of the settings: what is wrong with those is no fault of the module being collected.
    variable = f"{ENVIRONMENT_PREFIX}REPEAT"
    return str(config.getoption("repeat") or os.environ.get(variable) or 1)


def repetition_of(item: object) -> Repetition | None:
    """Return which repetition of its check a test is; None: it runs once."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get(_NAME) if callspec else None


def _installation(item: pytest.Item) -> Hashable:
    """Return what is the same for tests that share what is set up.

    The checks of app packages share one installation of their app, over several files.
    """
    check = check_of(item)
    return app_of(item) if check and check.app_level else (item.path, app_of(item))


def together(items: Iterable[pytest.Item]) -> list[list[pytest.Item]]:
    """Return the groups of tests that share what is set up, in the order in which they begin."""
    groups: dict[Hashable, list[pytest.Item]] = {}
    for item in items:
        groups.setdefault(_installation(item), []).append(item)
    return list(groups.values())


def _number(item: pytest.Item) -> int:
    repetition = repetition_of(item)
    return repetition.number if repetition else 0
