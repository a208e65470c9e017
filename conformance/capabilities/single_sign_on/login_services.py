"""The login services as an operator sees them: restarted, and with other settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

from conformance.kube.apply import apply
from conformance.kube.conditions import matching, ready
from conformance.kube.objects import Object, Ref
from conformance.kube.pods import replace_pods
from conformance.kube.wait import Wait, wait_all
from conformance.platform.clients import pods_of
from conformance.platform.namespaces import RUN_LABEL
from conformance.suite.check import not_run

if TYPE_CHECKING:
    from conformance.services.flux import Flux
    from conformance.suite.accounts import Accounts

UNKNOWN_FLOW = "00000000-0000-4000-8000-000000000000"
SHORT = "1ms"
"""A lifespan that is over when its answer arrives, so that nothing has to wait for its end."""


class LoginServices:
    """Kratos, Hydra, their database and the dashboard, as pods and releases."""

    def __init__(self, flux: Flux, accounts: Accounts) -> None:
        self._flux = flux
        self._accounts = accounts
        self._kube = accounts.kube
        login = accounts.clients.platform.single_sign_on
        self._workloads = {
            **login.needs,
            "kratos": login.kratos.workload,
            "hydra": login.hydra.workload,
        }
        """All without which nobody logs in, by name."""

    def restart(self, *names: str) -> None:
        """Delete the pods of these services, of all without names; returns when others serve."""
        which = [self._workloads[name] for name in names or self._workloads]
        replace_pods(self._kube, [pods_of(each) for each in which])
        self.wait_served()

    @contextmanager
    def outliving(self) -> Iterator[None]:
        """In the body the node restarts; returns when every service was restarted and serves."""
        which = [pods_of(each) for each in self._workloads.values()]
        before = {_uid(pod): _restarts(pod) for each in which for pod in self._kube.list(*each)}
        yield
        again = matching("restarted", lambda item: _restarts(item) > before.get(_uid(item), -1))
        wait_all(self._kube, [Wait(each, again & ready()) for each in which])
        self.wait_served()

    def wait_served(self) -> None:
        """Wait until the ingress routes to each, and the dashboard reaches Hydra and Kratos.

        Both come some moments after the pods are Ready; on a restarted node only with its DNS.
        """
        accounts = self._accounts
        for url in (
            f"{accounts.issuer}.well-known/jwks.json",
            f"{accounts.page('login')}?login_challenge=unknown",  # the dashboard asks Hydra
            f"{accounts.page('login')}?flow={UNKNOWN_FLOW}",  # and here Kratos
            accounts.whoami,
        ):
            accounts.http().get_routed(url, within=self._kube.timeouts.routing_after_restart)

    @contextmanager
    def configured(self, configuration: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
        """Within the body, Kratos and Hydra have other settings, by their override ConfigMaps.

        Not run where one is there that no run has made: it would be lost.
        """
        overrides = {name: self._override(name) for name in configuration}
        for each in overrides.values():
            found = self._kube.find(*each)
            if found and RUN_LABEL not in (found["metadata"].get("labels") or {}):
                not_run(f"{each} has settings of the platform's own, which others would replace")
        labels = {RUN_LABEL: self._accounts.clients.run_id}
        try:
            for name, config in configuration.items():
                values = yaml.safe_dump({"config": config})
                apply(self._kube, _config_map(overrides[name], labels, {"values.yaml": values}))
            self.upgrade(*configuration)
            self.wait_served()
            yield
        finally:
            for each in overrides.values():
                self._kube.delete(*each)
            self.upgrade(*configuration)
            self.wait_served()

    def upgrade(self, *names: str) -> None:
        """Have Flux make the releases what they are to be by now; returns when each is Ready."""
        releases = [self.release(name) for name in names]
        tokens = [self._flux.reconcile(*_named(each)) for each in releases]
        for release, token in zip(releases, tokens, strict=True):
            self._flux.wait_ready(*_named(release), token=token)

    def release(self, name: str) -> Ref:
        """Return the HelmRelease of a service; not run where it has none."""
        found = self._workloads[name].release
        if found is None:
            not_run(f"platform.yaml names no HelmRelease of {name}")
        return self._flux.ref("HelmRelease", found.name, found.namespace)

    def _override(self, name: str) -> Ref:
        if not (override := self._workloads[name].override):
            not_run(f"platform.yaml names no ConfigMap that overrides the values of {name}")
        return Ref("v1", "ConfigMap", override, self.release(name).namespace)


def _named(release: Ref) -> tuple[str, str, str | None]:
    return release.kind, release.name, release.namespace


def _config_map(which: Ref, labels: Mapping[str, str], data: Mapping[str, str]) -> Object:
    metadata = {"name": which.name, "namespace": which.namespace, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}


def _uid(pod: Object) -> str:
    return str(pod["metadata"]["uid"])


def _restarts(pod: Object) -> int:
    return sum(item["restartCount"] for item in pod["status"]["containerStatuses"])
