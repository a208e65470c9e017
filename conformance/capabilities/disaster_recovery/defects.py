"""What is wrong with the platform on which a twin of a check of its Schedules runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from conformance.services.velero import API_VERSION

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.kube.objects import Object
    from conformance.services.velero import Velero
    from conformance.suite.twins import Twin


@pytest.fixture
def altered_schedules(velero: Velero, kube: Kube, twin: Twin) -> Iterator[None]:
    """Each of the platform's Schedules has another value of a field of its spec.

    The twin's settings name a JSON ``field`` path below ``spec``, and its ``value``.
    """
    before = velero.schedules()
    value: object = json.loads(twin.settings["value"])
    for key in reversed(twin.settings["field"].split(".")):
        value = {key: value}
    for one in before:
        _patch(kube, one, {"spec": value})
    yield
    for one in before:
        _patch(kube, one, {"spec": {"paused": None, **one["spec"]}})


def _patch(kube: Kube, schedule: Object, body: Object) -> None:
    metadata = schedule["metadata"]
    kube.patch(API_VERSION, "Schedule", metadata["name"], metadata["namespace"], body)
