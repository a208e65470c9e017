"""One part of the checks of several: ``--shard 2/3``. Plugin of a run of checks.

Each machine makes the same parts by itself, so that together they are the whole: from what was
chosen and, with ``--shard-times``, from a report that all are given.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest

from conformance.common.errors import HarnessError
from conformance.common.settings import Settings
from conformance.report.given import given
from conformance.report.model import RunReport
from conformance.suite.check import check_of
from conformance.suite.lane_plan import LANE
from conformance.suite.repeating import together
from conformance.suite.rerun import Key, key_of
from conformance.suite.session_options import settings_of

_SHARD = re.compile(r"([0-9]+)/([0-9]+)")


class Shard(NamedTuple):
    """Which of how many parts."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``K/N``. Raises ``UsageError``."""
        found = _SHARD.fullmatch(text)
        shard = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 1 <= shard.number <= shard.of:
            raise pytest.UsageError(f"--shard={text}: give K/N, as 1/3, 2/3 and 3/3")
        return shard


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what other shards run, of what ``-k`` and the like have left."""
    settings = settings_of(config)
    if settings.shard is None or LANE in config.stash or not any(map(check_of, items)):
        return
    shard = Shard.parse(settings.shard)
    mine = set(split(items, shard, seconds_of(settings)))
    others = [item for item in items if item not in mine]
    items[:] = [item for item in items if item in mine]
    if others:
        config.hook.pytest_deselected(items=others)


def seconds_of(settings: Settings) -> Mapping[Key, float]:
    """Return how long each check took in the report of ``--shard-times``; empty without it.

    Raises ``UsageError`` if that cannot be read.
    """
    if settings.shard_times is None:
        return {}
    try:
        _, report = given(settings.shard_times)
    except HarnessError as error:
        raise pytest.UsageError(f"--shard-times: {error}") from error
    return seconds_by_check(report)


def seconds_by_check(report: RunReport) -> dict[Key, float]:
    """Return how long each check took that ran."""
    return {(check.id, check.parameters): check.seconds for check in report.checks if check.seconds}


def split(
    items: Sequence[pytest.Item], shard: Shard, seconds: Mapping[Key, float]
) -> list[pytest.Item]:
    """Return the tests of a shard, in their order.

    Tests that share an installation stay together. The longest of these groups comes first, each
    into the shard that has least by then.
    """
    groups = together(items)
    weight = weights(groups, seconds)
    loads = [0.0] * shard.of
    mine: list[int] = []
    for at in sorted(range(len(groups)), key=lambda at: (-weight[at], at)):
        least = loads.index(min(loads))
        loads[least] += weight[at]
        if least == shard.number - 1:
            mine.append(at)
    return [item for at in sorted(mine) for item in groups[at]]


def weights(groups: Sequence[Sequence[pytest.Item]], seconds: Mapping[Key, float]) -> list[float]:
    """Return how long each group of tests takes.

    A check whose time is not known takes as long as most do; if none is, all take the same time.
    """
    usual = statistics.median(seconds.values()) if seconds else 1.0
    return [
        sum(seconds.get(key, usual) if key else usual for key in map(key_of, group))
        for group in groups
    ]
