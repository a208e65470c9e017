"""Defects of the single sign-on checks' twins: what a check, or the platform, does wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from conformance.capabilities.single_sign_on_parties import Parties
    from conformance.twins import Twin

NAMESPACE = "stackspin"
POLICY = ("networking.k8s.io/v1", "NetworkPolicy", "hydra", NAMESPACE)


class Told(Protocol):
    """Returns what the twin has its check do instead; ``otherwise`` in a normal run."""

    def __call__(self, name: str, otherwise: str = "") -> str:
        """Return the twin's setting ``name``."""


@pytest.fixture
def told(twin: Twin | None) -> Told:
    """What the twin has its check do instead: ``told("password", otherwise="wrong")``."""
    settings: Mapping[str, str] = twin.settings if twin else {}

    def tell(name: str, otherwise: str = "") -> str:
        return settings.get(name, otherwise)

    return tell


@pytest.fixture
def damage(twin: Twin | None, request: pytest.FixtureRequest) -> Iterator[None]:
    """Do to the platform, for one check, what the twin's setting ``damage`` says."""
    if twin is None or "damage" not in twin.settings:
        yield
        return
    parties: Parties = request.getfixturevalue("parties")
    with DAMAGES[twin.settings["damage"]](parties):
        yield


@contextmanager
def _admin_api_on_ingress(parties: Parties) -> Iterator[None]:
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
    parties.kube.apply(ingress)
    try:
        parties.http().get_routed(f"https://{host}/admin/clients")
        yield
    finally:
        parties.kube.delete("networking.k8s.io/v1", "Ingress", "hydra-admin", NAMESPACE)


@contextmanager
def _admin_api_for_every_pod(parties: Parties) -> Iterator[None]:
    """The NetworkPolicy lets every pod of the cluster use Hydra's admin API."""
    before = parties.kube.get(*POLICY)["spec"]["ingress"]
    opened = [{"ports": [{"port": "admin"}]}]
    parties.kube.patch(*POLICY, {"spec": {"ingress": [*before, *opened]}})
    try:
        yield
    finally:
        parties.kube.patch(*POLICY, {"spec": {"ingress": before}})


DAMAGES = {
    "admin API on the ingress": _admin_api_on_ingress,
    "admin API for every pod": _admin_api_for_every_pod,
}
