"""The login services as an operator sees them: restarted, and with other settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

from conformance.capabilities.single_sign_on.policies import NAMESPACE, PER_NAME
from conformance.kube.apply import apply
from conformance.kube.conditions import Condition, matching, ready
from conformance.kube.objects import Object, Selection
from conformance.kube.wait import Wait, wait_all

if TYPE_CHECKING:
    from conformance.services.flux import Flux
    from conformance.suite.accounts import Accounts

LOGIN_SERVICES = ("single-sign-on-database", "kratos", "hydra", "dashboard")
"""Releases, and labels of their pods, without which nobody logs in."""
UNKNOWN_FLOW = "00000000-0000-4000-8000-000000000000"
SHORT = "1ms"
"""A lifespan that is over when its answer arrives, so that nothing has to wait for its end."""


class LoginServices:
    """Kratos, Hydra, their database and the dashboard, as pods and releases."""

    def __init__(self, flux: Flux, accounts: Accounts) -> None:
        self._flux = flux
        self._accounts = accounts
        self._kube = accounts.kube

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
        accounts = self._accounts
        for url in (
            f"{accounts.issuer}.well-known/jwks.json",
            f"{accounts.dashboard}/web/login?login_challenge=unknown",  # the dashboard asks Hydra
            f"{accounts.dashboard}/web/login?flow={UNKNOWN_FLOW}",  # and here Kratos
            f"{accounts.dashboard}/sessions/whoami",
        ):
            accounts.http().get_routed(url, within=self._kube.timeouts.routing_after_restart)

    @contextmanager
    def configured(self, configuration: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
        """Within the body, Kratos and Hydra have other settings, by their override ConfigMaps."""
        for name, config in configuration.items():
            values = yaml.safe_dump({"config": config})
            apply(self._kube, _override(name, {"values.yaml": values}))
        self.upgrade(*configuration)
        self.wait_served()
        try:
            yield
        finally:
            for name in configuration:
                self._kube.delete("v1", "ConfigMap", f"stackspin-{name}-override", NAMESPACE)
            self.upgrade(*configuration)
            self.wait_served()

    def upgrade(self, *names: str) -> None:
        """Have Flux make the releases what they are to be by now; returns when each is Ready."""
        tokens = {name: self._flux.reconcile("HelmRelease", name, NAMESPACE) for name in names}
        for name, token in tokens.items():
            self._flux.wait_ready("HelmRelease", name, NAMESPACE, token=token)

    def _pods(self, name: str) -> list[Object]:
        return self._kube.list("v1", "Pod", NAMESPACE, labels=f"{PER_NAME}={name}")

    def _each_pod(self, name: str, condition: Condition) -> Wait:
        return Wait(Selection("v1", "Pod", NAMESPACE, f"{PER_NAME}={name}"), condition)


def _override(name: str, data: Mapping[str, str]) -> Object:
    metadata = {"name": f"stackspin-{name}-override", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}


def _uid(pod: Object) -> str:
    return str(pod["metadata"]["uid"])


def _restarts(pod: Object) -> int:
    return sum(item["restartCount"] for item in pod["status"]["containerStatuses"])
