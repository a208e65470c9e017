"""Defects of the single sign-on checks' twins: what a check, or the platform, does wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from conformance.capabilities.patched_source import DASHBOARD, NOTES, patched_files, running_on
from conformance.kube.apply import apply

if TYPE_CHECKING:
    from conformance.capabilities.single_sign_on_parties import Parties
    from conformance.suite.twins import Twin

NAMESPACE = "stackspin"
Damage = Callable[["Parties"], AbstractContextManager[None]]
POLICY = ("networking.k8s.io/v1", "NetworkPolicy")


SOURCES = (
    (DASHBOARD, "parties", "https://dashboard.{domain}/web/login"),
    (NOTES, "journey", "https://notes.{domain}/"),
)
"""What twins patch, with the fixture that installs it and an address at which it answers."""


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
    """Do to the platform, for one check, what the twin's patches and setting ``damage`` say."""
    if twin is None or not (twin.patches or "damage" in twin.settings):
        yield
        return
    parties: Parties = request.getfixturevalue("parties")
    with ExitStack() as stack:
        for source, fixture, address in SOURCES if twin.patches else ():
            if changed := patched_files(request.getfixturevalue("package"), source):
                request.getfixturevalue(fixture)
                served = partial(parties.http().get_routed, address.format(domain=parties.domain))
                stack.callback(served)
                stack.enter_context(running_on(parties.kube, source, changed))
                served()
        if damage := twin.settings.get("damage"):
            stack.enter_context(DAMAGES[damage](parties))
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
    apply(parties.kube, ingress)
    try:
        parties.http().get_routed(f"https://{host}/admin/clients")
        yield
    finally:
        parties.kube.delete("networking.k8s.io/v1", "Ingress", "hydra-admin", NAMESPACE)


def _open_port(service: str, **port: str | int) -> Damage:
    """The NetworkPolicy of a service lets every pod of the cluster use a port."""

    @contextmanager
    def open_to_every_pod(parties: Parties) -> Iterator[None]:
        policy = (*POLICY, service, NAMESPACE)
        before = parties.kube.get(*policy)["spec"]["ingress"]
        opened = {"ports": [port]}
        parties.kube.patch(*policy, {"spec": {"ingress": [*before, opened]}})
        try:
            yield
        finally:
            parties.kube.patch(*policy, {"spec": {"ingress": before}})

    return open_to_every_pod


@contextmanager
def _second_policy(parties: Parties) -> Iterator[None]:
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


DAMAGES: dict[str, Damage] = {
    "admin API on the ingress": _admin_api_on_ingress,
    "Hydra's port admin for every pod": _open_port("hydra", port="admin"),
    "Hydra's port 4445 for every pod": _open_port("hydra", port=4445),
    "Hydra's ports 4440 to 4450 for every pod": _open_port("hydra", port=4440, endPort=4450),
    "Kratos' port admin for every pod": _open_port("kratos", port="admin"),
    "every port for every pod": _second_policy,
}
