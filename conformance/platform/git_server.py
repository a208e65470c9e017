"""The Git server of the suite on a cluster: what Flux follows is in it."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from pathlib import Path

from conformance.kube.apply import apply, apply_file
from conformance.kube.client import Kube
from conformance.kube.conditions import rolled_out
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import wait
from conformance.services import git
from conformance.services.git import Credential


def make_credentials(
    kube: Kube, namespace: str, of_flux: tuple[str, str], passwords: Mapping[str, str]
) -> tuple[Credential, Credential]:
    """Write the server's Secret, and that of Flux; return ``reader`` and ``pusher``.

    ``of_flux`` is namespace and name of the read-only credential, in the form that a
    GitRepository's secretRef takes. A password that is empty is made.
    """
    made = {user: passwords.get(user) or secrets.token_urlsafe(24) for user in ("reader", "pusher")}
    for password in made.values():
        kube.redactor.learn_value(password)
    apply(
        kube,
        _secret(namespace, git.SERVER, made),
        _secret(*of_flux, {"username": "reader", "password": made["reader"]}),
    )
    return Credential("reader", made["reader"]), Credential("pusher", made["pusher"])


def serve_repository(kube: Kube, manifest: Path, namespace: str, address: str) -> str:
    """Install the server, whose Secret is there; return the repository's URL when it runs.

    ``address`` is where the cluster's NodePorts answer.
    """
    apply_file(kube, manifest, namespace=namespace)
    deployment = Ref("apps/v1", "Deployment", git.SERVER, namespace)
    wait(kube, deployment, rolled_out(), timeout=kube.timeouts.rollout)
    service = kube.get("v1", "Service", git.SERVER, namespace)
    port = service["spec"]["ports"][0]["nodePort"]
    return f"http://{address}:{port}/stackspin.git"


def _secret(namespace: str, name: str, values: Mapping[str, str]) -> Object:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
