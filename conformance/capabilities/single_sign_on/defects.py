"""What is wrong with the platform on which a twin of a single sign-on check runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from conformance.kube.apply import apply

if TYPE_CHECKING:
    from conformance.suite.parties import Parties
    from conformance.suite.twins import Twin

NAMESPACE = "stackspin"
POLICY = ("networking.k8s.io/v1", "NetworkPolicy")


@pytest.fixture
def admin_api_on_ingress(parties: Parties) -> Iterator[None]:
    """Hydra's admin API is on the ingress, below the provider's own host name."""
    backend = {"service": {"name": "hydra-admin", "port": {"name": "http"}}}
    path = {"path": "/admin", "pathType": "Prefix", "backend": backend}
    host = f"sso.{parties.domain}"
    ingress: dict[str, Any] = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "hydra-admin", "namespace": NAMESPACE},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": [path]}}]},
    }
    apply(parties.kube, ingress)
    try:
        parties.http().get_routed(f"https://{host}/admin/clients")
        yield
    finally:
        parties.kube.delete("networking.k8s.io/v1", "Ingress", "hydra-admin", NAMESPACE)


@pytest.fixture
def port_for_every_pod(parties: Parties, twin: Twin) -> Iterator[None]:
    """The NetworkPolicy of a service lets every pod of the cluster use a port."""
    policy = (*POLICY, twin.settings["service"], NAMESPACE)
    before = parties.kube.get(*policy)["spec"]["ingress"]
    opened = {"ports": [yaml.safe_load(twin.settings["port"])]}
    parties.kube.patch(*policy, {"spec": {"ingress": [*before, opened]}})
    try:
        yield
    finally:
        parties.kube.patch(*policy, {"spec": {"ingress": before}})


@pytest.fixture
def second_policy(parties: Parties) -> Iterator[None]:
    """A NetworkPolicy beside those of the services lets every pod use everything."""
    apply(
        parties.kube,
        {
            "apiVersion": POLICY[0],
            "kind": POLICY[1],
            "metadata": {"name": "everything", "namespace": NAMESPACE},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]},
        },
    )
    try:
        yield
    finally:
        parties.kube.delete(*POLICY, "everything", NAMESPACE)
