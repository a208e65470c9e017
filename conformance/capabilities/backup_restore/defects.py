"""What is wrong with the platform on which a twin of a check of backups runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from conformance.services.velero import API_VERSION, Velero
from conformance.suite.altered_objects import (
    MADE,
    NAME,
    altered,
    called_available,
    called_completed,
    computed,
    in_phase,
)

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.services.flux import Flux
    from conformance.services.object_store import ObjectStore
    from conformance.suite.twins import Twin

PREFIX = "plugins/elsewhere"
"""Begins with a name that Velero expects: another one would make a location Unavailable."""


@pytest.fixture
def with_velero(kube: Kube, backups: Flux) -> Kube:  # noqa: ARG001 - installs it
    """The client of a cluster with Velero."""
    return kube


@pytest.fixture
def failures_called_completed(with_velero: Kube, twin: Twin) -> Iterator[None]:
    """Velero calls each of its backups, or of its restores, Completed."""
    with called_completed(with_velero, twin.settings["resource"]):
        yield


@pytest.fixture
def every_location_available(with_velero: Kube) -> Iterator[None]:
    """Velero calls each location Available."""
    with called_available(with_velero):
        yield


@pytest.fixture
def refusals_not_explained(with_velero: Kube) -> Iterator[None]:
    """Velero does not say why a location is Unavailable."""
    when, message = in_phase("Unavailable"), "the location cannot be used"
    with altered(with_velero, "backupstoragelocations.velero.io", when, "/status/message", message):
        yield


@pytest.fixture
def schedules_paused(with_velero: Kube) -> Iterator[None]:
    """Every new schedule is paused."""
    with altered(with_velero, "schedules.velero.io", MADE, "/spec/paused", value=True):
        yield


@pytest.fixture
def backups_kept_for_a_day(with_velero: Kube) -> Iterator[None]:
    """A backup is kept for a day, however long it is meant to be kept."""
    with altered(with_velero, "backups.velero.io", MADE, "/spec/ttl", "24h0m0s"):
        yield


@pytest.fixture
def backups_without_oauth2_clients(with_velero: Kube) -> Iterator[None]:
    """OAuth2Clients are left out of every backup."""
    excluded = ["oauth2clients.hydra.ory.sh"]
    with altered(with_velero, "backups.velero.io", MADE, "/spec/excludedResources", excluded):
        yield


@pytest.fixture
def restored_apps_in_two_pods(with_velero: Kube) -> Iterator[None]:
    """A restored app has a second pod, which Velero does not let wait for the data."""
    restored = 'has(object.metadata.labels) && "velero.io/restore-name" in object.metadata.labels'
    with altered(with_velero, "deployments.apps", restored, "/spec/replicas", 2):
        yield


@pytest.fixture
def backups_in_another_location(
    kube: Kube, velero: Velero, object_store: ObjectStore
) -> Iterator[None]:
    """Velero puts backups below another prefix of the bucket."""
    velero.make_location(NAME, prefix=PREFIX)
    velero.location_is("Available", NAME)
    try:
        with altered(kube, "backups.velero.io", MADE, "/spec/storageLocation", NAME):
            yield
    finally:
        velero.delete("BackupStorageLocation", NAME)
        object_store.delete(f"{PREFIX}/")


@pytest.fixture
def location_without_a_bucket(kube: Kube, velero: Velero) -> Iterator[None]:
    """The platform's backup location names a bucket that does not exist."""
    location = (API_VERSION, "BackupStorageLocation", velero.location, velero.namespace)
    bucket = kube.get(*location)["spec"]["objectStorage"]["bucket"]
    kube.patch(*location, {"spec": {"objectStorage": {"bucket": "vleero"}}})
    try:
        velero.location_is("Unavailable", velero.location)
        yield
    finally:
        kube.patch(*location, {"spec": {"objectStorage": {"bucket": bucket}}})
        velero.location_is("Available", velero.location)


@pytest.fixture
def altered_restores(with_velero: Kube, twin: Twin) -> Iterator[None]:
    """Every new restore has another value of a field of its spec.

    The twin's settings name the ``field``, a JSON pointer below ``/spec``, and its JSON ``value``.
    """
    field, value = f"/spec{twin.settings['field']}", json.loads(twin.settings["value"])
    with altered(with_velero, "restores.velero.io", MADE, field, value):
        yield


@pytest.fixture
def warnings_not_counted(with_velero: Kube) -> Iterator[None]:
    """Velero counts no warning of its restores."""
    counted = "has(object.status) && has(object.status.warnings)"
    with altered(with_velero, "restores.velero.io", counted, "/status/warnings", 0):
        yield


@pytest.fixture
def restores_of_the_newer_backup(with_velero: Kube) -> Iterator[None]:
    """Whoever restores the older of an app's two backups gets the newer one."""
    older = f'{MADE} && object.spec.backupName.endsWith("-older")'
    newer = 'object.spec.backupName.replace("-older", "-newer")'
    with computed(with_velero, "restores.velero.io", older, "/spec/backupName", newer):
        yield
