"""Defects by which more than the dashboard and the operator reach the admin APIs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from conformance.capabilities.single_sign_on.policies import NAMESPACE
from conformance.kube.apply import apply

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.services.flux import Flux
    from conformance.suite.accounts import Accounts
    from conformance.suite.twins import Twin

INGRESS = ("networking.k8s.io/v1", "Ingress")
POLICY = ("networking.k8s.io/v1", "NetworkPolicy")


@pytest.fixture
def admin_api_on_ingress(accounts: Accounts) -> Iterator[None]:
    """Hydra's admin API is on the ingress, below the provider's own host name."""
    host = f"sso.{accounts.domain}"
    backend = {"service": {"name": "hydra-admin", "port": {"name": "http"}}}
    path = {"path": "/admin", "pathType": "Prefix", "backend": backend}
    rules = [{"host": host, "http": {"paths": [path]}}]
    spec = {"ingressClassName": "nginx", "rules": rules}
    with _existing(accounts.kube, INGRESS, "hydra-admin", spec):
        accounts.http().get_routed(f"https://{host}/admin/clients")
        yield


@pytest.fixture
def admin_port_for_every_pod(
    kube: Kube,
    single_sign_on: Flux,  # noqa: ARG001 - Kratos, Hydra and their policies
    twin: Twin,
) -> Iterator[None]:
    """The NetworkPolicy of a service lets every pod of the cluster use a port."""
    policy = (*POLICY, twin.settings["service"], NAMESPACE)
    before = kube.get(*policy)["spec"]["ingress"]
    opened = {"ports": [yaml.safe_load(twin.settings["port"])]}
    kube.patch(*policy, {"spec": {"ingress": [*before, opened]}})
    try:
        yield
    finally:
        kube.patch(*policy, {"spec": {"ingress": before}})


@pytest.fixture
def policy_for_every_pod(
    kube: Kube,
    single_sign_on: Flux,  # noqa: ARG001 - makes the namespace
) -> Iterator[None]:
    """A NetworkPolicy beside those of the services lets every pod use everything."""
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}
    with _existing(kube, POLICY, "everything", spec):
        yield


@contextmanager
def _existing(kube: Kube, kind: tuple[str, str], name: str, spec: dict[str, Any]) -> Iterator[None]:
    """Within the body, the platform's namespace has this object."""
    metadata = {"name": name, "namespace": NAMESPACE}
    apply(kube, {"apiVersion": kind[0], "kind": kind[1], "metadata": metadata, "spec": spec})
    try:
        yield
    finally:
        kube.delete(*kind, name, NAMESPACE)
