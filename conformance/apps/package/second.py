"""A second instance of an app: the release of its chart once more, in another namespace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from conformance.apps.package.helm_records import deployed_values
from conformance.apps.package.running import NoHost, RunningApp
from conformance.kube.apply import apply
from conformance.kube.conditions import deleted, reconciled
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import wait
from conformance.services.flux import hopeless

_VALUES = "second-instance-values"
_COPIED = ("ConfigMap", "Secret", "PersistentVolumeClaim")
"""Kinds of what a release may name without having made it."""
_HELM = "helm.toolkit.fluxcd.io/name"
_OF_HELM_AND_TOKENS = ("helm.sh/release.v1", "kubernetes.io/service-account-token")
_OF_A_NAMESPACE = "kube-root-ca.crt"


@contextmanager
def second_instance(app: RunningApp, release: Ref, namespace: str) -> Iterator[str]:
    """Within the body, the release is there once more; yields the host of the second instance.

    It has the first one's values, with a host of its own, and copies of what these may name: the
    claims are empty. ``namespace`` is fresh. Raises ``WaitFailed`` if Flux cannot install it.
    """
    kube, host = app.kube, _host_of(app)
    other = f"second-{host}" if host else ""
    for item in _named_by(app, str(release.namespace)):
        apply(kube, item, namespace=namespace)
    values = json.dumps(deployed_values(kube, release))
    if host:
        values = values.replace(host, other)
    spec = kube.get(*release)["spec"]
    apply(
        kube,
        _values(values),
        {
            "apiVersion": release.api_version,
            "kind": release.kind,
            "metadata": {"name": release.name},
            "spec": {
                "interval": "10m",
                "timeout": spec.get("timeout", "5m"),
                "chart": spec["chart"],
                "valuesFrom": [{"kind": "Secret", "name": _VALUES}],
            },
        },
        namespace=namespace,
    )
    second = release._replace(namespace=namespace)
    seconds = app.delivery.limit.at_most(kube.timeouts.stack)
    try:
        wait(kube, second, reconciled(), timeout=seconds, fail_on=hopeless())
        yield other
    finally:
        kube.delete(*second)
        wait(kube, second, deleted(), timeout=kube.timeouts.deletion)


def _host_of(app: RunningApp) -> str:
    try:
        return app.host
    except NoHost:
        return ""


def _values(text: str) -> Object:
    content = yaml.safe_dump(json.loads(text), allow_unicode=True)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": _VALUES},
        "stringData": {"values.yaml": content},
    }


def _named_by(app: RunningApp, namespace: str) -> Iterator[Object]:
    """Yield copies of what is beside a release in its namespace, and is not of any release."""
    for kind in _COPIED:
        for item in app.kube.list("v1", kind, namespace):
            metadata = item["metadata"]
            of_a_release = _HELM in (metadata.get("labels") or {})
            special = item.get("type") in _OF_HELM_AND_TOKENS or metadata["name"] == _OF_A_NAMESPACE
            if not (of_a_release or special or app.live.is_of_another(item)):
                yield plain_copy({**item, "kind": kind})


def plain_copy(item: Object) -> Object:
    """Return an object of the API's first group as somebody would write it anew, by its name."""
    copied: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": item["kind"],
        "metadata": {"name": item["metadata"]["name"]},
    }
    copied |= {key: item[key] for key in ("type", "data", "binaryData") if key in item}
    if item["kind"] == "PersistentVolumeClaim":
        kept = ("accessModes", "resources", "storageClassName")
        copied["spec"] = {key: item["spec"][key] for key in kept if key in item["spec"]}
    return copied
