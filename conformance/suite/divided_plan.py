"""Which checks a cluster gets next, when a run is divided among several: ``--clusters=2``.

A cluster that is free gets the next group of checks that share an installation. The groups come in
the order of their capabilities, as on one cluster: what needs little is first, what takes most away
is last. Within a capability the longest come first, so that all clusters come to their end at about
the same time.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

import pytest

from conformance.clusters import probe
from conformance.common.settings import Settings
from conformance.report.history.store import load
from conformance.suite.check import check_of
from conformance.suite.given_apps import given_apps
from conformance.suite.lanes import FOLLOWED
from conformance.suite.repeating import together
from conformance.suite.rerun import Key
from conformance.suite.sharding import seconds_by_check, seconds_of, weights

MOST = 4
MEMORY = 6 * 2**30
"""Bytes that a whole platform takes, with the secondary clusters that some checks start."""


def number_of_clusters(config: pytest.Config, settings: Settings) -> int:
    """Return among how many clusters the checks are divided.

    With ``auto`` there is one for each processor, if the memory is enough for so many.

    It is 1 on given apps, where somebody follows the checks at the terminal, and with ``auto`` on
    an existing cluster. Raises ``UsageError`` for more on that.
    """
    asked = settings.clusters
    followed = any(config.getoption(name, default=None) for name in FOLLOWED)
    if asked == "1" or followed or given_apps(config):
        return 1
    if settings.cluster == "existing":
        if asked == "auto":
            return 1
        raise pytest.UsageError(f"--clusters={asked}: with --cluster=existing there is one")
    if asked != "auto":
        return int(asked)
    processors = len(os.sched_getaffinity(0))
    return max(1, min(MOST, processors, probe.available_memory() // MEMORY))


class Division:
    """The groups of checks that no cluster has got yet."""

    def __init__(
        self, items: Sequence[pytest.Item], seconds: Mapping[Key, float], *, twins: bool
    ) -> None:
        groups = _twins_together(items) if twins else together(items)
        places: dict[str, int] = {}
        for group in groups:
            places.setdefault(_capability(group), len(places))
        weight = dict(zip(map(id, groups), weights(groups, seconds), strict=True))
        groups.sort(key=lambda group: (places[_capability(group)], -weight[id(group)]))
        self.groups = deque(groups)

    def take(self) -> list[pytest.Item]:
        """Return the next group, in the order of its checks; empty: there is none any more."""
        return self.groups.popleft() if self.groups else []


def known_seconds(settings: Settings, *, twins: bool) -> Mapping[Key, float]:
    """Return how long checks took: as ``--shard-times`` says, else in the last run that finished.

    Raises ``UsageError`` if a report is named and cannot be read.
    """
    if settings.shard_times is not None:
        return seconds_of(settings)
    last = load(settings.reports_dir / ("latest-twins" if twins else "latest") / "report.json")
    return seconds_by_check(last) if last else {}


def _twins_together(items: Iterable[pytest.Item]) -> list[list[pytest.Item]]:
    """Return each twin by itself, as its defect is its own; but one cluster has a test cluster."""
    groups: list[list[pytest.Item]] = []
    with_test_cluster: list[pytest.Item] = []
    for item in items:
        if "testing_site" not in getattr(item, "fixturenames", ()):
            groups.append([item])
            continue
        if not with_test_cluster:
            groups.append(with_test_cluster)
        with_test_cluster.append(item)
    return groups


def _capability(group: Sequence[pytest.Item]) -> str:
    check = check_of(group[0])
    return check.capability if check else ""
