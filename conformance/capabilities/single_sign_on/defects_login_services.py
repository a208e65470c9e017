"""Login services that are set up wrongly, by what is changed in their HelmReleases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from conformance.capabilities.single_sign_on.login_services import LoginServices
    from conformance.kube.client import Kube
    from conformance.suite.twins import Twin

POD_UID = {"secretKeyRef": None, "fieldRef": {"fieldPath": "metadata.uid"}}
MEMORY = {"persistentVolumeClaim": None, "emptyDir": {"medium": "Memory"}}


@pytest.fixture
def fixed_settings(kube: Kube, login_services: LoginServices, twin: Twin) -> Iterator[None]:
    """Kratos or Hydra have settings, by release, that no override changes."""
    specs = {
        name: {"values": {"config": yaml.safe_load(config)}}
        for name, config in twin.settings.items()
    }
    with _changed(kube, login_services, specs):
        login_services.wait_served()
        yield
    login_services.wait_served()


@pytest.fixture
def cookie_key_of_each_pod(kube: Kube, login_services: LoginServices) -> Iterator[None]:
    """Kratos protects its cookies with a key that no other pod of it has."""
    container = {"name": "kratos", "env": [{"name": "SECRETS_COOKIE", "valueFrom": POD_UID}]}
    with _changed(kube, login_services, {"kratos": _rendered({"containers": [container]})}):
        login_services.wait_served()
        yield
    login_services.wait_served()


@pytest.fixture
def database_in_memory(kube: Kube, login_services: LoginServices) -> Iterator[None]:
    """The database of Kratos and Hydra is in the memory of its pod."""
    spec = _rendered({"volumes": [{"name": "data", **MEMORY}]})
    with _changed(kube, login_services, {"database": spec}):
        login_services.restart("kratos", "hydra")  # which make their tables when they start
        yield
    login_services.restart("kratos", "hydra")


def _rendered(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec of a HelmRelease whose Deployment has this in its pods' spec."""
    patch = {"spec": {"template": {"spec": pod}}}
    patches = [{"target": {"kind": "Deployment"}, "patch": json.dumps(_object(patch))}]
    return {"postRenderers": [{"kustomize": {"patches": patches}}]}


def _object(patch: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "any"}, **patch}


@contextmanager
def _changed(
    kube: Kube, login_services: LoginServices, specs: Mapping[str, Mapping[str, Any]]
) -> Iterator[None]:
    """Within the body, HelmReleases have something in their specs that the platform leaves out."""
    _patch(kube, login_services, specs)
    login_services.upgrade(*specs)
    try:
        yield
    finally:
        _patch(kube, login_services, {name: dict.fromkeys(spec) for name, spec in specs.items()})
        login_services.upgrade(*specs)


def _patch(
    kube: Kube, login_services: LoginServices, specs: Mapping[str, Mapping[str, Any]]
) -> None:
    for name, spec in specs.items():
        kube.patch(*login_services.release(name), {"spec": spec})
