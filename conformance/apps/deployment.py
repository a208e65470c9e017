"""An app installed from its chart with helm, the way the seed describes the "Deploy" step."""

from __future__ import annotations

import contextlib
import html
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from conformance.apps.altered_byte import prove_comparison
from conformance.apps.base import App, Instance, Seed, SeedScale
from conformance.apps.images import Candidate
from conformance.kube.client import Kube
from conformance.kube.conditions import Condition, matching, phase, ready
from conformance.kube.explain import explain
from conformance.kube.objects import Selection
from conformance.kube.wait import wait_each
from conformance.services.helm import Helm, HelmError, Release
from conformance.services.ingress import HttpClient

Values = Mapping[str, Any]


@dataclass(frozen=True)
class HelmDeployment:
    """A release of an app in a namespace of its own, named after the app."""

    app: App
    kube: Kube
    helm: Helm
    namespace: str
    host: str
    http: HttpClient
    ingress_class: str

    @property
    def instance(self) -> Instance:
        """The running app."""
        name = self.app.name
        return Instance(
            kube=self.kube,
            namespace=self.namespace,
            selector=f"app.kubernetes.io/instance={name}",
            base_url=f"https://{self.host}",
            session=self.http,
            container=name,
        )

    def install(self, chart: Path, values: Values) -> Release:
        """``helm install``; returns when its pods are Ready and the ingress routes to them."""
        return self._deploy(self.helm.install, chart, values)

    def upgrade(self, chart: Path, values: Values) -> Release:
        """``helm upgrade``; returns as ``install`` does."""
        return self._deploy(self.helm.upgrade, chart, values)

    def _deploy(self, command: Callable[..., Release], chart: Path, values: Values) -> Release:
        ingress = {"className": self.ingress_class, **values.get("ingress", {})}
        values = {"hostname": self.host, **values, "ingress": ingress}
        with self._explaining():
            release = command(
                self.app.name, chart, self.namespace, values, timeout=self.kube.timeouts.upgrade
            )
        self.wait_served()
        return release

    def rollback(self) -> Release:
        """``helm rollback`` to the revision before; returns as ``install`` does."""
        with self._explaining():
            release = self.helm.rollback(
                self.app.name, self.namespace, timeout=self.kube.timeouts.upgrade
            )
        self.wait_served()
        return release

    def wait_served(self) -> requests.Response:
        """Return what the app answers when the ingress routes to it, moments after it is Ready.

        After ``timeouts.routing_after_restart`` seconds the ingress' own refusal is returned.
        """
        return self.http.get_routed(
            f"https://{self.host}/", within=self.kube.timeouts.routing_after_restart
        )

    def seed(self, scale: SeedScale = SeedScale.FULL) -> Seed:
        """Put test data into the app, and return it.

        Raises AssertionError if a single altered byte in one of the app's volumes goes unnoticed:
        later comparisons with the test data would prove nothing.
        """
        seed = self.app.seed(self.instance, scale)
        prove_comparison(self.app, self.instance, seed)
        return seed

    def hang(self) -> None:
        """Stop, with SIGSTOP, every process of the container but its first, which cannot be."""
        self.instance.run(["sh", "-c", "kill -STOP -1"])

    def title(self) -> str:
        """Return the title of the app's page."""
        return title_of(self.http.get_routed(f"https://{self.host}/").text)

    def wait_for_replacement(self, pod: Mapping[str, Any]) -> None:
        """Return when another pod than ``pod`` is Ready and the ingress routes to it."""
        uid = pod["metadata"]["uid"]
        other = matching("another pod", lambda item: bool(item["metadata"]["uid"] != uid))
        self._wait_for_pod(other & ready())

    @property
    def keeper(self) -> Instance:
        """The running app, seen from the container that has its first volume: its records."""
        return self.instance.holding(self.app.volumes[0])

    def wait_for_restart(self, pod: Mapping[str, Any], container: str = "") -> None:
        """Return when ``pod``'s container (default: the one that serves) was restarted, and the
        pod is Ready again.
        """
        self._wait_for_pod(restarted(pod, container or self.instance.container) & ready())

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        """Add to helm's bare time-out what the cluster says of the release's pods and claims."""
        try:
            yield
        except HelmError as error:
            if "deadline exceeded" not in error.message and "timed out" not in error.message:
                raise
            unmet = [
                item
                for kind in ("Pod", "PersistentVolumeClaim")
                for item in self.kube.list("v1", kind, self.namespace, self.instance.selector)
                if not (ready() | phase("Bound")).test(item)
            ]
            text = explain(self.kube, error.message, unmet, None, others=list)
            raise HelmError(error.command, text) from error

    def _wait_for_pod(self, condition: Condition) -> None:
        pods = Selection("v1", "Pod", self.namespace, self.instance.selector)
        wait_each(self.kube, pods, condition)
        self.wait_served()


def image_values(image: Candidate) -> dict[str, Any]:
    """Return the chart's values that deploy this image."""
    return {"image": {"repository": image.repository, "tag": image.version}}


def container_status(pod: Mapping[str, Any], container: str) -> dict[str, Any]:
    """Return the status of one of a pod's containers. Raises ``LookupError``."""
    statuses = {status["name"]: status for status in pod["status"]["containerStatuses"]}
    return dict(statuses[container])


def restarted(pod: Mapping[str, Any], container: str) -> Condition:
    """One of the pod's containers was restarted since the pod was looked at."""
    before = container_status(pod, container)["restartCount"]
    return matching(
        f"with its container {container} restarted",
        lambda item: bool(container_status(item, container)["restartCount"] > before),
    )


def with_version(chart: Path, destination: Path, version: str) -> Path:
    """Copy a chart as its next release: chart and app of this version; returns the copy."""
    shutil.copytree(chart, destination)
    metadata = destination / "Chart.yaml"
    text = metadata.read_text(encoding="utf-8")
    for key in ("version", "appVersion"):
        text = re.sub(rf"(?m)^{key}: .*$", f"{key}: {version}", text)
    metadata.write_text(text, encoding="utf-8")
    return destination


def title_of(page: str) -> str:
    """Return the title of a page of HTML."""
    return html.unescape(page.partition("<title>")[2].partition("</title>")[0])
