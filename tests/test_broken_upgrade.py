"""How long an app may be away whose upgrade cannot work, against a good one in the same run."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.apps.flux_package import Commit
from conformance.capabilities.auto_update.assertions import assert_put_right, assert_rolled_back
from conformance.capabilities.auto_update.broken_upgrade import BrokenUpgrade
from conformance.common.load import Load
from conformance.services.availability import Outage

LOAD = Load("CPU pressure", 93.0, 4.9, 2)
STARVED = Load("CPU pressure", 98.0, 33.5, 2)


class App:
    """Answers in the version that it is said to run."""

    def __init__(self) -> None:
        self.running = ("1.0.0", 1)

    def version(self) -> tuple[str, int]:
        return self.running

    def wait_given_up(self, _: str) -> None:
        return

    def wait_upgraded(self, _: str) -> None:
        self.running = ("2.0.0", 2)

    def verify(self, _: object) -> None:
        return

    def explanation(self) -> str:
        return "notes@2.0.0"


class Visitor:
    """Has seen one outage by the bad upgrade and, once the app is upgraded, one by the good."""

    def __init__(self, app: App, bad: float, good: float, load: Load) -> None:
        self._app = app
        self._seconds = (bad, good)
        self.load = load

    @property
    def outages(self) -> list[Outage]:
        seen = self._seconds if self._app.running[1] == 2 else self._seconds[:1]
        return [
            Outage(0, seconds, "HTTP 503", over=True, slow=False, load=self.load)
            for seconds in seen
        ]

    @property
    def outage_seconds(self) -> float:
        return sum(outage.seconds for outage in self.outages)

    def wait_answer(self, _: float) -> None:
        return

    def stop(self) -> None:
        return

    def summary(self) -> str:
        return "; ".join(map(str, self.outages))


class Evidence:
    """Keeps what is measured."""

    def __init__(self) -> None:
        self.measured: list[tuple[str, float, Load | None]] = []

    def measure(self, name: str, value: float, *, load: Load | None = None) -> None:
        self.measured.append((name, value, load))

    def note(self, text: str) -> None:
        assert "CPU pressure" in text

    def attach(self, *_: object) -> None:
        return


def go(bad: float, good: float, load: Load = LOAD) -> Evidence:
    app, evidence = App(), Evidence()
    visitor: Any = Visitor(app, bad, good, load)
    commit = Commit("bad", "2.0.0", "2.0.0")
    upgrade = BrokenUpgrade(app, None, commit, visitor)  # type: ignore[arg-type]
    assert_rolled_back(upgrade, evidence)  # type: ignore[arg-type]
    assert_put_right(upgrade, evidence)  # type: ignore[arg-type]
    return evidence


def test_both_outages_are_measured_with_the_load_of_the_machine() -> None:
    assert go(38.0, 8.0).measured == [
        ("outage until the old version was back", 38.0, LOAD),
        ("outage by a good upgrade", 8.0, LOAD),
    ]


def test_a_busy_machine_has_the_time_that_a_good_upgrade_takes_on_it() -> None:
    go(95.0, 25.0)


def test_a_rollback_that_takes_long_for_no_reason_of_the_machines_is_an_error() -> None:
    with pytest.raises(AssertionError, match=r"(?s)95.0 s, more than 90 s.*8.0 s.*pressure 93 %"):
        go(95.0, 8.0)


@pytest.mark.parametrize(("bad", "good"), [(101.4, 9.3), (106.3, 10.5), (107.3, 10.1)])
def test_a_machine_that_was_starved_at_the_rollback_has_the_time_for_it(
    bad: float, good: float
) -> None:
    """As measured, with a good upgrade afterwards that was quick."""
    go(bad, good, STARVED)


def test_an_upgrade_that_is_tried_again_and_again_is_an_error_on_a_starved_machine_too() -> None:
    with pytest.raises(AssertionError, match=r"248\.0 s, more than 194 s"):
        go(4 * 60 + 8.0, 9.3, STARVED)
