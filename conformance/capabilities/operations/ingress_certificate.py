"""The certificate of the ingress, renewed as an issuer does: its Secret has another one."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.common.pki import CertificateAuthority, KeyPair
from conformance.common.soon import soon
from conformance.kube.objects import Object, Ref
from conformance.platform.changes import put_back
from conformance.suite.check import not_run

if TYPE_CHECKING:
    from conformance.platform.clients import Clients
    from conformance.platform.description import Certificate, NamespacedName
    from conformance.services.ingress import HttpClient

RENEWAL = 120.0
"""Seconds: kubelet brings a changed Secret to the pods that mount it within 90 by default, as it
looks at each pod every 60 to 90 (syncFrequency, and up to half of it more)."""
CERTIFICATE, KEY = "tls.crt", "tls.key"
_LASTING = {"ReplicaSet", "StatefulSet", "DaemonSet"}
"""What has pods that end only if somebody ends them."""


@dataclass(frozen=True)
class IngressCertificate:
    """What new connections to the platform get."""

    clients: Clients
    http: HttpClient

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Within the body the Secret has another certificate, by the same authority.

        Not run where the ingress does not present the one in the Secret, or the authority is not
        at hand.
        """
        secret = _secret(self._described.secret)
        issued = self._authority().issue(self.clients.platform.domain)
        if not soon(lambda: self._presented() == self._in_secret(), within=RENEWAL):
            not_run(f"{self._issuer} does not present the certificate in {secret}")
        data = self.clients.kube.get(*secret)["data"]
        with put_back(
            self.clients, secret, {"data": {key: data[key] for key in (CERTIFICATE, KEY)}}
        ):
            # With the authority's own, without which nobody trusts one below a root.
            chain = issued.certificate + issued.ca_certificate
            renewed = {CERTIFICATE: chain, KEY: issued.key}
            encoded = {key: base64.b64encode(one).decode() for key, one in renewed.items()}
            self.clients.kube.patch(*secret, {"data": encoded})
            yield

    def presented_within(self, seconds: float) -> bool:
        """Whether the ingress presents what is in the Secret, by then or sooner."""
        wanted = self._in_secret()
        return soon(lambda: self._presented() == wanted, within=seconds)

    def pods(self) -> dict[str, tuple[str, int]]:
        """Return the platform's pods by UID: the name of each, and its restarts."""
        found = [
            pod
            for namespace in self.clients.platform.namespaces
            for pod in self.clients.kube.list("v1", "Pod", namespace)
        ]
        return {pod["metadata"]["uid"]: _life(pod) for pod in found if _is_lasting(pod)}

    def restarted(self, before: Mapping[str, tuple[str, int]]) -> list[str]:
        """Return the names of the pods of ``before`` that have restarted or are gone."""
        now = self.pods()
        return [life[0] for uid, life in before.items() if now.get(uid) != life]

    def _presented(self) -> bytes | None:
        """Return the certificate, DER; None if there is none that is trusted."""
        try:
            return self.http.certificate(self._issuer)
        except OSError:
            return None

    def _in_secret(self) -> bytes:
        found = _pair(self.clients, self._described.secret)
        assert found is not None, f"{_secret(self._described.secret)} has no certificate"
        return x509.load_pem_x509_certificate(found.certificate).public_bytes(Encoding.DER)

    def _authority(self) -> CertificateAuthority:
        if (pair := _pair(self.clients, self._described.authority)) is None:
            not_run(f"{_secret(self._described.authority)} has no {CERTIFICATE} and {KEY}")
        try:
            return CertificateAuthority.of(pair)
        except ValueError as error:
            not_run(f"{_secret(self._described.authority)} cannot issue certificates here: {error}")

    @property
    def _issuer(self) -> str:
        return self.clients.platform.single_sign_on.issuer

    @property
    def _described(self) -> Certificate:
        if (found := self.clients.platform.ingress.certificate) is None:
            not_run(
                "platform.yaml does not say whence the ingress has its certificate, and by whom "
                "it is issued (ingress.certificate)"
            )
        return found


def _pair(clients: Clients, which: NamespacedName) -> KeyPair | None:
    data = (clients.kube.find(*_secret(which)) or {}).get("data") or {}
    if not {CERTIFICATE, KEY} <= data.keys():
        return None
    return KeyPair(*(base64.b64decode(data[key]) for key in (CERTIFICATE, KEY)))


def _secret(which: NamespacedName) -> Ref:
    return Ref("v1", "Secret", which.name, which.namespace)


def _is_lasting(pod: Object) -> bool:
    owners = pod["metadata"].get("ownerReferences") or ()
    return "deletionTimestamp" not in pod["metadata"] and any(
        one["kind"] in _LASTING for one in owners
    )


def _life(pod: Object) -> tuple[str, int]:
    statuses = pod["status"].get("containerStatuses") or ()
    return pod["metadata"]["name"], sum(one["restartCount"] for one in statuses)
