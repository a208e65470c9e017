"""What the checks do to the platform itself: restart it, reconfigure it, see who may ask what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from conformance.check import shared
from conformance.kube.conditions import Condition, matching, ready
from conformance.kube.wait import Wait, wait_all
from conformance.services import hydra, kratos

if TYPE_CHECKING:
    from conformance.capabilities.single_sign_on_parties import Parties
    from conformance.kube.client import Kube
    from conformance.services.flux import Flux
    from conformance.twins import Twin

NAMESPACE = "stackspin"
LOGIN_SERVICES = ("kratos", "hydra", "dashboard")
"""Releases, and labels of their pods, without which nobody logs in."""
UNKNOWN_FLOW = "00000000-0000-4000-8000-000000000000"
SERVED_SECONDS = 60.0
"""For the ingress controller and the DNS of a restarted node, which have to reach its API first."""
ADMIN_SERVICES = {"hydra": hydra.ADMIN_SERVICE, "kratos": kratos.ADMIN_SERVICE}
OPEN_SERVICE = "hydra-public"
"""What every pod may reach, whatever the NetworkPolicies say of the admin APIs."""
MAY_ADMINISTER = {"dashboard", "operator"}
"""Labels (app.kubernetes.io/name) of the only pods that may use the admin APIs."""
PER_NAME = "app.kubernetes.io/name"
SHORT = "1ms"
"""A lifespan that is over when its answer arrives, so that nothing has to wait for its end."""
Object = dict[str, Any]


class LoginServices:
    """Kratos, Hydra and the dashboard as pods and releases."""

    def __init__(self, flux: Flux, parties: Parties) -> None:
        self._flux = flux
        self._parties = parties
        self._kube = parties.kube

    def restart(self, *names: str) -> None:
        """Delete the pods of these services; returns when others serve in their place."""
        old = {pod["metadata"]["uid"] for name in names for pod in self._pods(name)}
        for name in names:
            for pod in self._pods(name):
                self._kube.delete("v1", "Pod", pod["metadata"]["name"], NAMESPACE)
        other = matching("another pod", lambda item: item["metadata"]["uid"] not in old)
        wait_all(self._kube, [self._each_pod(name, other & ready()) for name in names])
        self.wait_served()

    @contextmanager
    def outliving(self) -> Iterator[None]:
        """In the body the node restarts; returns when every service was restarted and serves."""
        before = {_uid(pod): _restarts(pod) for name in LOGIN_SERVICES for pod in self._pods(name)}
        yield
        again = matching("restarted", lambda item: _restarts(item) > before.get(_uid(item), -1))
        wait_all(self._kube, [self._each_pod(name, again & ready()) for name in LOGIN_SERVICES])
        self.wait_served()

    def wait_served(self) -> None:
        """Wait until the ingress routes to each, and the dashboard reaches Hydra and Kratos.

        Both come some moments after the pods are Ready; on a restarted node only with its DNS.
        """
        parties = self._parties
        for url in (
            f"{parties.issuer}.well-known/jwks.json",
            f"{parties.dashboard}/web/login?login_challenge=unknown",  # the dashboard asks Hydra
            f"{parties.dashboard}/web/login?flow={UNKNOWN_FLOW}",  # and here Kratos
            f"{parties.dashboard}/sessions/whoami",
        ):
            parties.http().get_routed(url, within=SERVED_SECONDS)

    @contextmanager
    def configured(self, configuration: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
        """Within the body, Kratos and Hydra have other settings, by their override ConfigMaps."""
        for name, config in configuration.items():
            values = yaml.safe_dump({"config": config})
            self._kube.apply(_override(name, {"values.yaml": values}))
        self._upgrade(*configuration)
        try:
            yield
        finally:
            for name in configuration:
                self._kube.delete("v1", "ConfigMap", f"stackspin-{name}-override", NAMESPACE)
            self._upgrade(*configuration)

    def _upgrade(self, *names: str) -> None:
        tokens = {name: self._flux.reconcile("HelmRelease", name, NAMESPACE) for name in names}
        for name, token in tokens.items():
            self._flux.wait_ready("HelmRelease", name, NAMESPACE, token=token)
        self.wait_served()

    def _pods(self, name: str) -> list[Object]:
        return self._kube.list("v1", "Pod", NAMESPACE, labels=f"{PER_NAME}={name}")

    def _each_pod(self, name: str, condition: Condition) -> Wait:
        return Wait(condition, "v1", "Pod", namespace=NAMESPACE, labels=f"{PER_NAME}={name}")


def admin_peers(kube: Kube, name: str) -> set[str]:
    """Return which pods may reach the admin API of a service, by its NetworkPolicy.

    As values of their label app.kubernetes.io/name; ``*`` where others may as well. Whether the
    cluster's network enforces that is another question.
    https://kubernetes.io/docs/concepts/services-networking/network-policies/
    """
    [port] = kube.get("v1", "Service", ADMIN_SERVICES[name], NAMESPACE)["spec"]["ports"]
    policies = [
        policy["spec"]
        for policy in kube.list("networking.k8s.io/v1", "NetworkPolicy", NAMESPACE)
        if policy["spec"]["podSelector"].get("matchLabels") == {PER_NAME: name}
    ]
    if not policies:
        return {"*"}
    rules = [rule for policy in policies for rule in policy.get("ingress") or ()]
    peers: set[str] = set()
    for rule in rules:
        ports = {item.get("port") for item in rule.get("ports") or ()}
        if not ports or port["targetPort"] in ports:
            for peer in rule.get("from") or [{}]:
                peers |= _names_of(peer)
    return peers


def _names_of(peer: Mapping[str, Any]) -> set[str]:
    """Return the names that a peer of a NetworkPolicy stands for; ``*`` for any other kind."""
    selector = peer.get("podSelector") or {}
    if set(peer) != {"podSelector"}:
        return {"*"}
    names = {value for key, value in (selector.get("matchLabels") or {}).items() if key == PER_NAME}
    for expression in selector.get("matchExpressions") or ():
        if expression["key"] == PER_NAME and expression["operator"] == "In":
            names |= set(expression["values"])
    return names or {"*"}


def _override(name: str, data: Mapping[str, str]) -> Object:
    metadata = {"name": f"stackspin-{name}-override", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}


def _uid(pod: Object) -> str:
    return str(pod["metadata"]["uid"])


def _restarts(pod: Object) -> int:
    return sum(item["restartCount"] for item in pod["status"]["containerStatuses"])


@pytest.fixture(scope=shared)
def login_services(single_sign_on: Flux, parties: Parties) -> LoginServices:
    """Kratos, Hydra and the dashboard as pods and releases."""
    return LoginServices(single_sign_on, parties)


@pytest.fixture(scope=shared)
def short_lived(login_services: LoginServices, twin: Twin | None) -> Iterator[LoginServices]:
    """Codes and challenges have expired when they are used: for the last checks of a file."""
    lifespan = twin.settings["lifespan"] if twin else SHORT
    code = {"methods": {"code": {"config": {"lifespan": lifespan}}}}
    ttl = {"auth_code": lifespan, "login_consent_request": lifespan}
    with login_services.configured({"hydra": {"ttl": ttl}, "kratos": {"selfservice": code}}):
        yield login_services
