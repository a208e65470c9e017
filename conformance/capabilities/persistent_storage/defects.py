"""What is wrong with the platform's storage when a twin of a storage check runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from conformance.kube.objects import Ref

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.kube.objects import Object
    from conformance.services.flux import Flux

NAMESPACE = "stackspin"
LOCAL_PATH = Ref("storage.k8s.io/v1", "StorageClass", "local-path")
LOCAL_PATH_RETAIN = LOCAL_PATH._replace(name="local-path-retain")
PROVISIONER_CONFIGURATION = Ref("v1", "ConfigMap", "local-path-config", NAMESPACE)
PROVISIONER_ROLE = Ref("rbac.authorization.k8s.io/v1", "ClusterRole", "local-path-provisioner")


@pytest.fixture
def storage(platform: Flux, kube: Kube) -> Kube:  # noqa: ARG001 - installs the storage
    """The client of a cluster with the platform's storage classes and provisioner."""
    return kube


@pytest.fixture
def storage_class_missing(storage: Kube) -> Iterator[None]:
    """The platform's storage class does not exist."""
    with _deleted(storage, LOCAL_PATH):
        yield


@pytest.fixture
def volumes_of_type_host_path(storage: Kube) -> Iterator[None]:
    """Volumes are of the type hostPath, the provisioner's default."""
    key = "defaultVolumeType"
    right = storage.get(*LOCAL_PATH)["metadata"]["annotations"][key]
    storage.patch(*LOCAL_PATH, {"metadata": {"annotations": {key: "hostPath"}}})
    yield
    storage.patch(*LOCAL_PATH, {"metadata": {"annotations": {key: right}}})


@pytest.fixture
def deleted_claims_keep_volumes(storage: Kube) -> Iterator[None]:
    """The storage class with reclaim policy Delete has the policy Retain."""
    with _replaced(storage, LOCAL_PATH, reclaimPolicy="Retain"):
        yield


@pytest.fixture
def retained_volumes_deleted(storage: Kube) -> Iterator[None]:
    """The storage class with reclaim policy Retain has the policy Delete."""
    with _replaced(storage, LOCAL_PATH_RETAIN, reclaimPolicy="Delete"):
        yield


@pytest.fixture
def bytes_of_deleted_volumes_left(storage: Kube) -> Iterator[None]:
    """The provisioner deletes a volume's object and leaves its bytes on the node's disk."""
    right = storage.get(*PROVISIONER_CONFIGURATION)["data"]["teardown"]
    storage.patch(*PROVISIONER_CONFIGURATION, {"data": {"teardown": "#!/bin/sh\n"}})
    yield
    storage.patch(*PROVISIONER_CONFIGURATION, {"data": {"teardown": right}})


@pytest.fixture
def provisioner_may_write_no_events(storage: Kube) -> Iterator[None]:
    """The provisioner's role does not let it write events."""
    right = storage.get(*PROVISIONER_ROLE)["rules"]
    without = [rule for rule in right if "events" not in rule["resources"]]
    storage.patch(*PROVISIONER_ROLE, {"rules": without})
    yield
    storage.patch(*PROVISIONER_ROLE, {"rules": right})


@contextmanager
def _replaced(kube: Kube, which: Ref, **wrong: Any) -> Iterator[None]:  # noqa: ANN401 - any field
    """Replace a storage class by another one within the body: its fields cannot be changed."""
    with _deleted(kube, which) as right:
        kube.create({**right, **wrong})
        yield
        kube.delete(*which)


@contextmanager
def _deleted(kube: Kube, which: Ref) -> Iterator[Object]:
    """Delete a storage class within the body, which gets it."""
    found = kube.get(*which)
    chosen = {key: found["metadata"][key] for key in ("name", "labels", "annotations")}
    right = {**found, "metadata": chosen}
    kube.delete(*which)
    yield right
    kube.create(right)
