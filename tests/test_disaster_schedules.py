"""What a Schedule promises: how often it makes a backup, and how long that is kept."""

from datetime import timedelta
from typing import Any

import pytest

from conformance.capabilities.disaster_recovery.schedules import faults, kept_for, longest_pause


def a_schedule(cron: str = "0 2 * * *", ttl: str | None = "720h", **spec: Any) -> dict[str, Any]:
    template = {"ttl": ttl} if ttl else {}
    return {
        "metadata": {"name": "daily"},
        "spec": {"schedule": cron, "template": template, **spec},
        "status": {"phase": "Enabled"},
    }


@pytest.mark.parametrize(
    ("cron", "pause"),
    [
        ("0 2 * * *", timedelta(days=1)),
        ("@daily", timedelta(days=1)),
        ("@every 90m", timedelta(minutes=90)),
        ("0 2 * * 1-5", timedelta(days=3)),
        ("*/15 * * * *", timedelta(minutes=15)),
        ("*/5 8-18 * * *", timedelta(hours=13, minutes=5)),
        ("*/30 * 1 * *", timedelta(days=30, minutes=30)),
        ("CRON_TZ=Europe/Amsterdam 0 2 * * *", timedelta(days=1)),
        ("TZ=UTC @every 2h", timedelta(hours=2)),
        ("0 2 ? * *", timedelta(days=1)),
    ],
)
def test_the_longest_pause_counts(cron: str, pause: timedelta) -> None:
    assert longest_pause(a_schedule(cron)) == pause


def test_velero_keeps_for_30_days_what_says_nothing() -> None:
    assert kept_for(a_schedule(ttl=None)) == timedelta(days=30)


def test_a_good_schedule_has_no_fault() -> None:
    assert faults(a_schedule()) == []


@pytest.mark.parametrize(
    ("schedule", "fault"),
    [
        (a_schedule(paused=True), "Schedule daily is paused"),
        (a_schedule(ttl="12h0m0s"), "keeps a backup for 12:00:00, and makes the next after 1 day"),
        (a_schedule(ttl="24h"), "keeps a backup for 1 day"),
        ({**a_schedule(), "status": {}}, "Schedule daily is None, not Enabled: no reason given"),
        (
            {**a_schedule(), "status": {"phase": "FailedValidation", "validationErrors": ["5 *"]}},
            "FailedValidation, not Enabled: 5 *",
        ),
    ],
)
def test_each_fault_is_told(schedule: dict[str, Any], fault: str) -> None:
    [line] = faults(schedule)
    assert fault in line
