"""Somebody who uses an app while something is done to it."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.services.availability import AvailabilityMonitor

ANSWER = 30.0
"""Seconds in which an app that is there answers a request, the ingress's reload included."""


@dataclass(frozen=True)
class Visit:
    """Somebody who uses an app all the time, and somebody who uses what no check changes."""

    app: AvailabilityMonitor
    control: AvailabilityMonitor
