"""The mail server, taken away for a while, and Kratos, which has mails to send meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from conformance.components.waiting import in_thread
from conformance.kube.conditions import deleted, matching, rolled_out
from conformance.kube.logs import wait_for_line
from conformance.kube.objects import Ref, Selection, label_selector
from conformance.kube.wait import WaitTimeout, wait, wait_each
from conformance.platform.changes import put_back
from conformance.platform.clients import pods_of
from conformance.services.mail import Courier
from conformance.suite.check import not_run

if TYPE_CHECKING:
    from conformance.platform.clients import Clients
    from conformance.platform.description import Service

GIVEN_UP = "abandoned"
"""In the line by which Kratos logs that it will not try to send a mail again."""


@dataclass(frozen=True)
class MailServer:
    """Where every mail of the platform ends."""

    clients: Clients

    @contextmanager
    def down(self) -> Iterator[None]:
        """Within the body there is no mail server; afterwards it is reached again.

        Not run where the description does not say which it is.
        """
        deployment = self._deployment()
        replicas = self.clients.kube.get(*deployment)["spec"]["replicas"]
        try:
            with put_back(self.clients, deployment, {"spec": {"replicas": replicas}}):
                pods = self._scale(deployment, 0)
                wait_each(self.clients.kube, pods, deleted())
                yield
        finally:
            wait(self.clients.kube, deployment, rolled_out())
            self._wait_reached()

    def gives_up(self, address: str, within: float) -> str:
        """Return how Kratos logs that it gives up the mail to an address; empty if it does not.

        Such a mail never arrives. Any of Kratos' pods may be the one that sends it. ``within`` is
        in seconds; all of them pass if it does not.
        """
        login, kube = self.clients.platform.single_sign_on, self.clients.kube
        [mail] = Courier(self.clients.service(login.kratos.admin)).identifiers(address)
        containers = [
            (pod["metadata"]["namespace"], pod["metadata"]["name"], container["name"])
            for pod in kube.list(*pods_of(login.kratos.workload))
            for container in pod["spec"]["containers"]
        ]
        assert containers, "Kratos has no pod, so nothing sends mails"

        def line(namespace: str, pod: str, container: str) -> str:
            about = (kube, namespace, pod, mail, GIVEN_UP)
            try:
                return wait_for_line(*about, container=container, timeout=within)
            except WaitTimeout:
                return ""

        logs = [in_thread("log", partial(line, *each)) for each in containers]
        return next((found for log in as_completed(logs) if (found := log.result())), "")

    def _scale(self, deployment: Ref, replicas: int) -> Selection:
        """Return the Deployment's pods once there are so many."""
        kube = self.clients.kube
        kube.patch(*deployment, {"spec": {"replicas": replicas}})
        rolled = wait(kube, deployment, rolled_out())
        labels = label_selector(rolled["spec"]["selector"]["matchLabels"])
        return Selection("v1", "Pod", deployment.namespace, labels)

    def _wait_reached(self) -> None:
        """Wait until connections to the Service lead to a pod: some moments after it is Ready."""
        labels = f"kubernetes.io/service-name={self._service.name}"
        slices = Selection("discovery.k8s.io/v1", "EndpointSlice", self._service.namespace, labels)
        reached = matching(
            "with an endpoint that is ready",
            lambda item: any(one["conditions"].get("ready") for one in item["endpoints"] or ()),
        )
        wait_each(self.clients.kube, slices, reached)

    def _deployment(self) -> Ref:
        """Return whose pods the Service leads to."""
        kube, namespace = self.clients.kube, self._service.namespace
        selector = kube.get("v1", "Service", self._service.name, namespace)["spec"]["selector"]
        found = [
            one["metadata"]["name"]
            for one in kube.list("apps/v1", "Deployment", namespace)
            if selector.items() <= one["spec"]["template"]["metadata"]["labels"].items()
        ]
        if len(found) != 1:
            not_run(f"Service {self._service.name} leads to pods of {len(found)} Deployments")
        return Ref("apps/v1", "Deployment", found[0], namespace)

    @property
    def _service(self) -> Service:
        service = self.clients.platform.single_sign_on.mail
        if service is None:
            not_run("platform.yaml names no mail server (single_sign_on.mail) to take away")
        return service
