"""What is wrong with the platform on which a twin of a check of operations runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from requests import PreparedRequest, Response

from conformance.common.pki import CertificateAuthority
from conformance.kube.apply import apply
from conformance.kube.errors import Invalid
from conformance.suite.admission import ANYWHERE, enforced
from conformance.suite.wire import Send, Wire, path_of

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.kube.objects import Ref
    from conformance.platform.clients import Clients
    from conformance.services.flux import Flux
    from conformance.suite.accounts import Accounts

POLICY = Path(__file__).with_suffix(".yaml")
NAME = "twin-of-operations"
INGRESS = "networking.k8s.io/v1"
ONE_ATTEMPT = {"courier": {"message_retries": 0}}
"""Of Kratos, to send a mail."""


@pytest.fixture
def releases_stay_locked(kube: Kube, flux: Flux) -> Iterator[None]:  # noqa: ARG001 - installed
    """An upgrade that helm has noted as going on cannot be called failed, so no other begins."""
    with enforced(kube, POLICY, NAME, lambda: _refused(kube)):
        yield


def _refused(kube: Kube) -> bool:
    secret = ("v1", "Secret", NAME, ANYWHERE)
    kube.patch(*secret, {"metadata": {"labels": {"status": "pending-upgrade"}}})
    try:
        kube.patch(*secret, {"metadata": {"labels": {"status": "failed"}}})
    except Invalid:
        return True
    return False


@pytest.fixture
def room_for_half(kube: Kube, clients: Clients, flux: Flux) -> Iterator[None]:  # noqa: ARG001
    """A quota of the namespace of apps leaves room for 100 more releases of a ConfigMap each."""
    namespace = clients.platform.apps
    there = len(kube.list("v1", "ConfigMap", namespace))
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": NAME}}
    hard = {"count/configmaps": str(there + 100)}
    apply(kube, {**quota, "spec": {"hard": hard}}, namespace=namespace)
    try:
        yield
    finally:
        kube.delete("v1", "ResourceQuota", NAME, namespace)


@pytest.fixture
def mails_tried_once(kube: Kube, single_sign_on: Flux, accounts: Accounts) -> Iterator[None]:
    """Kratos gives a mail up that it could not send at once."""
    release = accounts.clients.platform.single_sign_on.kratos.workload.release
    assert release, "platform.yaml names no HelmRelease of Kratos"
    which = single_sign_on.ref("HelmRelease", release.name, release.namespace)
    with _run_with(kube, single_sign_on, accounts, which, {"config": ONE_ATTEMPT}):
        yield


@pytest.fixture
def certificate_copied(kube: Kube, single_sign_on: Flux, accounts: Accounts) -> Iterator[None]:
    """The ingress has a copy of its certificate, which nobody renews."""
    described = accounts.clients.platform.ingress.certificate
    assert described, "platform.yaml does not name the certificate of the ingress"
    secret, which = described.secret, single_sign_on.ref("HelmRelease", "nginx", "stackspin")
    found = kube.get("v1", "Secret", secret.name, secret.namespace)
    copy = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME}}
    apply(kube, {**copy, "type": found["type"], "data": found["data"]}, namespace=secret.namespace)
    try:
        with _run_with(kube, single_sign_on, accounts, which, {"defaultCertificate": NAME}):
            yield
    finally:
        kube.delete("v1", "Secret", NAME, secret.namespace)


@pytest.fixture
def certificate_of_a_week(kube: Kube, clients: Clients, flux: Flux) -> Iterator[None]:  # noqa: ARG001
    """An Ingress has a certificate that was issued for a week."""
    namespace, host = clients.platform.apps, f"{NAME}.{clients.platform.domain}"
    issued = CertificateAuthority(validity=timedelta(days=7)).issue(host)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME}}
    pair = {"tls.crt": issued.certificate.decode(), "tls.key": issued.key.decode()}
    ingress = {"apiVersion": INGRESS, "kind": "Ingress", "metadata": {"name": NAME}}
    spec = {
        "ingressClassName": clients.platform.ingress.ingress_class,
        "tls": [{"hosts": [host], "secretName": NAME}],
        "rules": [{"host": host}],
    }
    apply(
        kube,
        {**secret, "type": "kubernetes.io/tls", "stringData": pair},
        {**ingress, "spec": spec},
        namespace=namespace,
    )
    try:
        yield
    finally:
        kube.delete(INGRESS, "Ingress", NAME, namespace)
        kube.delete("v1", "Secret", NAME, namespace)


@contextmanager
def _run_with(
    kube: Kube, flux: Flux, accounts: Accounts, release: Ref, values: Mapping[str, object]
) -> Iterator[None]:
    """Within the body, a release has other values; returns when its pods are reached."""
    named = (release.kind, release.name, release.namespace)

    def upgrade(wanted: object) -> None:
        kube.patch(*release, {"spec": {"values": wanted}})
        token = flux.reconcile(*named)
        flux.wait_ready(*named, token=token)
        within = kube.timeouts.routing_after_restart
        accounts.http().get_routed(accounts.page("recovery"), within=within)

    try:
        upgrade(values)
        yield
    finally:
        upgrade(None)


@pytest.fixture
def sessions_cached(wire: Wire) -> None:
    """A cache before Kratos answers everybody what it has answered the first who was logged in."""
    kept: list[Response] = []

    def exchange(request: PreparedRequest, send: Send) -> Response:
        if not path_of(request).endswith("/sessions/whoami"):
            return send(request)
        answer = kept[0] if kept else send(request)
        if answer.ok and not kept:
            kept.append(answer)
        return answer

    wire.alter(exchange)
