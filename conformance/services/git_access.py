"""Whether a credential may push to a Git repository, found out without pushing."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import requests

from conformance.kube.client import Kube
from conformance.services.flux import Flux
from conformance.services.in_cluster import InClusterService

REFUSED = (requests.codes.unauthorized, requests.codes.forbidden, requests.codes.not_found)
"""How servers answer who may not: some do not even say that there is such a repository."""
_PORTS = {"http": 80, "https": 443}


class Unknown(Exception):
    """It cannot be found out from here; the text says why."""


def may_push(kube: Kube, flux: Flux) -> bool:
    """Whether the credential of a GitRepository may push to it.

    It asks for the references that a push begins with, and ends there. Raises ``Unknown``.
    https://git-scm.com/docs/http-protocol#_smart_service_git_receive_pack
    """
    spec = flux.get("GitRepository", flux.source)["spec"]
    parts = urlsplit(spec["url"])
    if parts.scheme not in _PORTS:
        raise Unknown(f"{flux.source} is read over {parts.scheme or 'ssh'}, not https")
    secret = _secret(kube, flux.namespace, (spec.get("secretRef") or {}).get("name"))
    user, password = secret.get("username"), secret.get("password")
    with (
        _reached(kube, parts.scheme, parts.hostname or "", parts.port) as base,
        _trust(secret) as verify,
    ):
        url = f"{base}{parts.path.rstrip('/')}/info/refs"
        try:
            answer = requests.get(
                url,
                params={"service": "git-receive-pack"},
                auth=(user, password) if user and password else None,
                verify=verify,
                timeout=kube.timeouts.http,
            )
        except requests.RequestException as error:
            raise Unknown(f"{spec['url']} does not answer here: {error}") from error
    if answer.status_code in REFUSED:
        return False
    if answer.ok:
        return True
    raise Unknown(f"{spec['url']} answers {answer.status_code}")


def _secret(kube: Kube, namespace: str, name: str | None) -> Mapping[str, str]:
    found = kube.get("v1", "Secret", name, namespace).get("data") or {} if name else {}
    values = {key: base64.b64decode(value).decode() for key, value in found.items()}
    kube.redactor.learn_value(values.get("password", ""))
    return values


@contextmanager
def _reached(kube: Kube, scheme: str, host: str, port: int | None) -> Iterator[str]:
    """Yield the beginning of the URL by which a server is reached from here."""
    port = port or _PORTS[scheme]
    name, _, rest = host.partition(".")
    namespace, _, kind = rest.partition(".")
    if kind.partition(".")[0] == "svc":
        with InClusterService(kube, namespace, name, port).address() as address:
            yield f"{scheme}://{address}"
    else:
        yield f"{scheme}://{host}:{port}"


@contextmanager
def _trust(secret: Mapping[str, str]) -> Iterator[str | bool]:
    """Yield what requests takes as ``verify``: the file of the Secret's authority, if it has one.

    https://fluxcd.io/flux/components/source/gitrepositories/#https-certificate-authority
    """
    authority = secret.get("ca.crt") or secret.get("caFile")
    if not authority:
        yield True
        return
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(authority)
        file.flush()
        yield file.name
