"""An app's own data: put in and looked for the way its description says."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from conformance.apps.package import steps
from conformance.common.soon import soon
from conformance.kube.errors import ApiError
from conformance.kube.execution import execute
from conformance.kube.objects import Object, Objects, Selection, label_selector
from conformance.services.ingress import NOBODY_THERE

if TYPE_CHECKING:
    from conformance.apps.package.model.steps import Data
    from conformance.apps.package.running import RunningApp
    from conformance.services.ingress import HttpClient

SOON = 15.0
"""Seconds in which an app that answers shows its data."""


class OwnData:
    """Data of a running app; of one whose data nobody described, none."""

    def __init__(self, app: RunningApp, data: Data | None, http: HttpClient, domain: str) -> None:
        self._app = app
        self._data = data
        self._http = http
        self._domain = domain
        self._seed = f"seed{secrets.token_hex(4)}"
        self._saved: Mapping[str, steps.Value] = {}

    def of(self, app: RunningApp, http: HttpClient) -> OwnData:
        """Return the same data, to be looked for in the same app elsewhere."""
        other = OwnData(app, self._data, http, self._domain)
        other._seed, other._saved = self._seed, self._saved
        return other

    def put(self) -> None:
        """Put the data in. Raises ``StepFailed``, ``NoHost``."""
        if self._data is not None:
            self._saved = steps.run_steps("seed", self._data.seed, self._access(), self._seed)

    def verify(self) -> None:
        """Raise ``StepFailed`` unless the data is there soon.

        Many apps answer before they have done all that they were asked for, and when they start,
        before everything in them has. If the ingress has no pod of it that is Ready, as for a while
        after the restart of a busy node, that says nothing of the data: once it serves again, it
        has the same time once more.
        """
        if self._data is None:
            return
        verify, access = self._data.verify, self._access()
        failures: list[steps.StepFailed] = []

        def is_there() -> bool:
            try:
                steps.run_steps("verify", verify, access, self._seed, self._saved)
            except steps.StepFailed as failure:
                failures.append(failure)
                return False
            return True

        if soon(is_there, within=SOON):
            return
        if failures[-1].status in NOBODY_THERE:
            self._app.prove_again()
            if soon(is_there, within=SOON):
                return
        raise failures[-1]

    def _access(self) -> steps.AppAccess:
        kube = self._app.kube
        return steps.AppAccess(
            self._http, self._domain, self._app.host, self._run, self._secret, kube.timeouts
        )

    def _run(self, container: str | None, argv: Sequence[str], stdin: bytes) -> bytes:
        pod, name = container_of(self._app, container)
        try:
            result = execute(
                self._app.kube,
                pod["metadata"]["namespace"],
                pod["metadata"]["name"],
                argv,
                container=name,
                stdin=stdin,
            )
        except ApiError as error:  # there is no such command
            raise AssertionError(str(error)) from error
        return result.check().stdout

    def _secret(self, name: str, key: str) -> str:
        item = self._app.kube.find("v1", "Secret", name, self._app.delivery.namespace)
        if item is None:
            raise LookupError(name)
        return base64.b64decode(item["data"][key]).decode()


def container_of(app: RunningApp, container: str | None) -> tuple[Object, str]:
    """Return the running pod with a container of this name; those behind an Ingress come first.

    Without a name it is the first container of the first pod. Raises AssertionError.
    """
    pods = [*_behind_ingresses(app), *app.live.pods()]
    for pod in pods:
        names = [one["name"] for one in pod["spec"]["containers"]]
        if pod["status"].get("phase") == "Running" and container in (None, *names):
            return pod, container or names[0]
    what = f"with a container {container}" if container else "of the app"
    raise AssertionError(f"no pod {what} runs")


def _behind_ingresses(app: RunningApp) -> Objects:
    """Return the pods that the Ingresses lead to, in the order of the paths."""
    found: Objects = []
    for item in app.live.ingresses():
        for service in _services(item):
            found += _pods_of(app, service, item["metadata"]["namespace"])
    return found


def _services(ingress: Object) -> Iterator[str]:
    for rule in ingress["spec"].get("rules") or ():
        for path in (rule.get("http") or {}).get("paths") or ():
            if name := (path["backend"].get("service") or {}).get("name"):
                yield name


def _pods_of(app: RunningApp, service: str, namespace: str) -> Objects:
    item = app.kube.find("v1", "Service", service, namespace)
    selector = item["spec"].get("selector") if item else None
    if not selector:
        return []
    labels = label_selector(selector)
    return app.kube.list(*Selection("v1", "Pod", namespace, labels))
