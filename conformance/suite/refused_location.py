"""A backup location with credentials that its object store refuses."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.kube.apply import apply_file

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.services.velero import Velero

CREDENTIALS = Path(__file__).with_suffix(".yaml")
REFUSAL = "InvalidAccessKeyId"
"""S3's error: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""


@contextlib.contextmanager
def refused_location(kube: Kube, velero: Velero, name: str, **changes: str) -> Iterator[None]:
    """Have a BackupStorageLocation whose credentials are unknown to the object store.

    Otherwise it is the platform's own, with ``changes`` as ``Velero.make_location`` takes them.
    When the body begins, Velero has looked at it with these credentials. Raises ``WaitTimeout``.
    """
    # First of all: a location whose Secret is not there yet never gets to the store.
    apply_file(kube, CREDENTIALS, name=name, namespace=velero.namespace)
    try:
        velero.make_location(name, credential=name, **changes)
        velero.location_looked_at(name, secret=name)
        yield
    finally:
        velero.delete("BackupStorageLocation", name)
        kube.delete("v1", "Secret", name, velero.namespace)
