"""What is wrong with the platform on which a twin of a check of its recovery runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from conformance.services.velero import API_VERSION, COMPLETED
from conformance.suite.altered_objects import altered, called_available, called_completed, in_phase

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


@pytest.fixture
def restores_called_completed(kube: Kube, velero: Velero) -> Iterator[None]:  # noqa: ARG001 - installed
    """Velero calls each restore Completed."""
    with called_completed(kube, "restores"):
        yield


@pytest.fixture
def locations_called_available(kube: Kube, velero: Velero) -> Iterator[None]:  # noqa: ARG001 - installed
    """Velero calls each location Available."""
    with called_available(kube):
        yield


@pytest.fixture
def failed_volumes_not_explained(kube: Kube, velero: Velero) -> Iterator[None]:  # noqa: ARG001 - installed
    """Velero does not say why a volume could not be restored."""
    volumes, when = "podvolumerestores.velero.io", in_phase("Failed")
    with altered(kube, volumes, when, "/status/message", ""):
        yield


@pytest.fixture
def unfinished_restores_called_completed(kube: Kube, velero: Velero) -> Iterator[None]:  # noqa: ARG001 - installed
    """Velero calls each restore Completed as soon as it begins."""
    with altered(kube, "restores.velero.io", in_phase("InProgress"), "/status/phase", COMPLETED):
        yield
