"""Which checks may run side by side on one cluster, and which chain of them a lane runs next.

A chain is what one lane runs from its first check to its last: the checks of a file that are about
the same app. They share fixtures, and some go on from what the one before them did. Chains begin in
the order of the checks, each as soon as nothing that runs forbids it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import pytest

from conformance.clusters.base import Feature
from conformance.suite.check import Check, app_of, check_of

LANE = pytest.StashKey[bool]()
"""Set in the configuration of a session that is a lane of another one."""
_ALONE = {
    "app_runs": "looks whether other apps and the platform stay as they are",
    "app_data": "is about the app that those of app_runs have installed",
    "app_login": "is about the app that those of app_runs have installed",
}
"""Capabilities beside whose checks no other runs, and why."""
_DASHBOARD = "dashboard"
_BRANCH = "tracked_branch"
"""The fixture of the branch that Flux tracks. One chain at a time uses it: a commit of another
would be taken for one's own, and an app that is being upgraded makes the dashboard's backups of all
apps fail."""


@dataclass(frozen=True, eq=False)
class Chain:
    """Checks that run one after another in the same lane."""

    items: tuple[pytest.Item, ...]
    alone: int = 0
    """Beside how many of them, from the first on, no other check may run."""
    at_the_end: bool = False
    """Whether those after it need not wait for it: it takes something away for a while."""
    uses: frozenset[str] = frozenset()
    """What it must not share with another chain that runs."""


def chains_of(items: Iterable[pytest.Item]) -> list[Chain]:
    """Return the chains that these tests are, in their order."""
    grouped = groupby(items, key=lambda item: (item.path, app_of(item)))
    return [_chain(tuple(group)) for _, group in grouped]


def _chain(items: tuple[pytest.Item, ...]) -> Chain:
    checks = [check_of(item) for item in items]
    alone = max((n for n, check in enumerate(checks, 1) if _in_its_place_alone(check)), default=0)
    at_the_end = not alone and any(map(_disturbs_the_platform, checks))
    used = (name for item in items for name in getattr(item, "fixturenames", ()))
    uses = frozenset({_BRANCH}.intersection(used))
    return Chain(items, len(items) if at_the_end else alone, at_the_end, uses)


def _in_its_place_alone(check: Check | None) -> bool:
    """Whether a check runs alone, and nothing that comes after it may begin before it."""
    return check is not None and (Feature.NODE_KILL in check.needs or check.capability in _ALONE)


def _disturbs_the_platform(check: Check | None) -> bool:
    """Whether others would fail beside a check; what the dashboard's do, they do to their app."""
    return check is not None and check.touches == "platform" and check.capability != _DASHBOARD


class Plan:
    """What is still to run. Its methods may be called by several lanes at the same time."""

    def __init__(self, chains: Iterable[Chain]) -> None:
        self._waiting = list(chains)
        self._running: dict[Chain, int] = {}
        """With how many of its checks have ended."""
        self._changed = threading.Condition()
        self.stopped = False

    def take(self) -> Chain | None:
        """Wait for a chain that may begin, and return it; None: there is none any more."""
        with self._changed:
            while self._waiting and not self.stopped:
                if chain := self._next():
                    self._waiting.remove(chain)
                    self._running[chain] = 0
                    return chain
                self._changed.wait()
            return None

    def went_on(self, chain: Chain) -> None:
        """Say that one of its checks has ended."""
        with self._changed:
            self._running[chain] += 1
            self._changed.notify_all()

    def done(self, chain: Chain) -> None:
        """Say that a chain has come to its end."""
        with self._changed:
            del self._running[chain]
            self._changed.notify_all()

    def stop(self) -> None:
        """Begin nothing any more."""
        with self._changed:
            self.stopped = True
            self._changed.notify_all()

    def _next(self) -> Chain | None:
        if any(ended < chain.alone for chain, ended in self._running.items()):
            return None
        busy = {use for chain in self._running for use in chain.uses}
        at_the_end = []
        for chain in self._waiting:
            if chain.at_the_end:
                at_the_end.append(chain)
            elif chain.alone:
                # What was put off disturbs nobody now, and later it would come after this one.
                return self._alone([*at_the_end, chain])
            elif not busy & chain.uses:
                return chain
        return self._alone(at_the_end) if len(at_the_end) == len(self._waiting) else None

    def _alone(self, chains: list[Chain]) -> Chain | None:
        return chains[0] if chains and not self._running else None
