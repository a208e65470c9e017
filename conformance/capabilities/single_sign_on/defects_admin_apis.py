"""Defects by which more than the dashboard and the operator reach the admin APIs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import yaml

from conformance.kube.apply import apply

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.platform.clients import Clients
    from conformance.services.flux import Flux
    from conformance.suite.accounts import Accounts
    from conformance.suite.twins import Twin

INGRESS = ("networking.k8s.io/v1", "Ingress")
POLICY = ("networking.k8s.io/v1", "NetworkPolicy")


@pytest.fixture
def admin_api_on_ingress(accounts: Accounts) -> Iterator[None]:
    """Hydra's admin API is on the ingress, below the provider's own host name."""
    host = str(urlsplit(accounts.issuer).hostname)
    admin = accounts.clients.platform.single_sign_on.hydra.admin
    backend = {"service": {"name": admin.name, "port": {"number": admin.port}}}
    path = {"path": "/admin", "pathType": "Prefix", "backend": backend}
    rules = [{"host": host, "http": {"paths": [path]}}]
    spec = {"ingressClassName": accounts.clients.platform.ingress.ingress_class, "rules": rules}
    with _existing(accounts.kube, INGRESS, admin.namespace, "hydra-admin", spec):
        accounts.http().get_routed(f"https://{host}/admin/clients")
        yield


@pytest.fixture
def admin_port_for_every_pod(
    kube: Kube,
    clients: Clients,
    single_sign_on: Flux,  # noqa: ARG001 - Kratos, Hydra and their policies
    twin: Twin,
) -> Iterator[None]:
    """The NetworkPolicy of a service lets every pod of the cluster use a port."""
    login = clients.platform.single_sign_on
    policy = (*POLICY, twin.settings["service"], login.hydra.admin.namespace)
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
    clients: Clients,
    single_sign_on: Flux,  # noqa: ARG001 - makes the namespace
) -> Iterator[None]:
    """A NetworkPolicy beside those of the services lets every pod use everything."""
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}
    namespace = clients.platform.single_sign_on.hydra.admin.namespace
    with _existing(kube, POLICY, namespace, "everything", spec):
        yield


@contextmanager
def _existing(
    kube: Kube, kind: tuple[str, str], namespace: str, name: str, spec: dict[str, Any]
) -> Iterator[None]:
    """Within the body, a namespace of the platform has this object."""
    metadata = {"name": name, "namespace": namespace}
    apply(kube, {"apiVersion": kind[0], "kind": kind[1], "metadata": metadata, "spec": spec})
    try:
        yield
    finally:
        kube.delete(*kind, name, namespace)
