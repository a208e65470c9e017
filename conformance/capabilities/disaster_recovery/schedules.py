"""Velero's Schedules: how often they make a backup, and how long each backup is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import durationpy
from cronsim import CronSim

if TYPE_CHECKING:
    from conformance.kube.objects import Object

EVERY = "@every "
DESCRIPTORS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
"""Words for expressions: https://pkg.go.dev/github.com/robfig/cron/v3#hdr-Predefined_schedules"""
TTL = timedelta(days=30)
"""Velero's own, where a Schedule names none: https://velero.io/docs/v1.18/how-velero-works/"""
_ZONE = re.compile(r"^(?:CRON_)?TZ=\S+\s+")
"""What may stand before an expression: https://pkg.go.dev/github.com/robfig/cron/v3#hdr-Time_zones"""
_LOOKED_AT = 32
"""Pauses in a row, and days: one of a few hours a day, or of a few days a week, shows its gap."""


def longest_pause(schedule: Object) -> timedelta:
    """Return the longest time between two backups of a Schedule."""
    cron = _ZONE.sub("", schedule["spec"]["schedule"])
    if cron.startswith(EVERY):
        pause: timedelta = durationpy.from_str(cron.removeprefix(EVERY))
        return pause
    # There, ? is another way to write *.
    expression = DESCRIPTORS.get(cron, cron.replace("?", "*"))
    return max(_pauses(CronSim(expression, datetime.now(UTC))))


def _pauses(times: Iterator[datetime]) -> Iterator[timedelta]:
    """Yield the time between each two of as many times as have to be looked at."""
    first = last = next(times)
    number = 0
    while number < _LOOKED_AT or last - first < timedelta(days=_LOOKED_AT):
        before, last = last, next(times)
        number += 1
        yield last - before


def kept_for(schedule: Object) -> timedelta:
    """Return how long each backup of a Schedule is kept."""
    ttl = schedule["spec"]["template"].get("ttl")
    kept: timedelta = durationpy.from_str(ttl) if ttl else TTL
    return kept


def faults(schedule: Object) -> list[str]:
    """Return, one line each, why a Schedule does not always have a backup to restore from."""
    name, status = schedule["metadata"]["name"], schedule.get("status", {})
    found = []
    if schedule["spec"].get("paused"):
        found.append(f"Schedule {name} is paused")
    if status.get("phase") != "Enabled":
        errors = "; ".join(status.get("validationErrors", ())) or "no reason given"
        return [*found, f"Schedule {name} is {status.get('phase')}, not Enabled: {errors}"]
    pause, kept = longest_pause(schedule), kept_for(schedule)
    if kept <= pause:
        found.append(f"Schedule {name} keeps a backup for {kept}, and makes the next after {pause}")
    return found
