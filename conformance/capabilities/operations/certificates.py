"""The certificates that the platform presents and trusts, and for how long they last.

No check can set a node's clock two months ahead: Linux has one real-time clock for all namespaces
(time_namespaces(7)), so it is the host's. But what would go wrong then can be read from the
certificates today: when they end, and whether they are renewed.
"""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from conformance.kube.errors import ApiError
from conformance.kube.objects import Object, Ref
from conformance.services.tls import presented, unverified

if TYPE_CHECKING:
    from conformance.platform.clients import Clients
    from conformance.services.ingress import HttpClient

LASTING = timedelta(days=60)
"""Nobody has to look after the platform for so long."""
KUBE_ROOT_CA = "kube-root-ca.crt"
"""ConfigMap in each namespace with the authority of the API server's certificate."""
BY_CERT_MANAGER = "cert-manager.io/certificate-name"
"""Annotation of a Secret that cert-manager renews: the name of the Certificate beside it."""
INJECTED = "cert-manager.io/inject-"
"""What annotations begin with by which cert-manager keeps an authority up to date."""
_BUNDLES = (
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("apiregistration.k8s.io/v1", "APIService"),
)
"""Kinds that say by which authority the API server trusts a Service."""
_PEM = b"-----BEGIN CERTIFICATE-----"
_CONNECT = 3.0
"""Seconds in which a port in the cluster's network takes a connection, if it is reached at all."""


@dataclass(frozen=True)
class Found:
    """A certificate, where it was found, and when it is renewed by itself."""

    where: str
    certificate: x509.Certificate
    renewal: datetime | None = None
    """None: nothing is known to renew it."""

    @property
    def end(self) -> datetime:
        """Until when it is valid."""
        return self.certificate.not_valid_after_utc

    def fault(self, now: datetime) -> str:
        """Return why somebody will have to look after it; empty: nobody will.

        One that is renewed is overdue after a third of the time that there is for that. Let's
        Encrypt's are valid for 90 days, and cert-manager renews them when 30 are left, so from 20
        on: https://cert-manager.io/docs/usage/certificate/#issuance-triggers
        """
        ends = f"ends in {(self.end - now).days + 1} days" if self.end > now else "has ended"
        when = f"the certificate of {self.where} {ends}"
        if self.renewal is None:
            return f"{when}, and nothing renews it" if self.end < now + LASTING else ""
        overdue = self.renewal + (self.end - self.renewal) / 3 < now
        return f"{when}, and was to be renewed on {self.renewal:%Y-%m-%d}" if overdue else ""

    def __str__(self) -> str:
        renewed = f", renewed from {self.renewal:%Y-%m-%d} on" if self.renewal else ""
        return f"{self.end:%Y-%m-%d}{renewed}: {self.where}"


@dataclass(frozen=True)
class PlatformCertificates:
    """All that are known of the platform: of its ingress, its API, and what its pods mount."""

    clients: Clients
    http: HttpClient
    unseen: list[str] = field(default_factory=list)
    """What could not be looked at, and why."""

    def found(self) -> list[Found]:
        """Return each certificate once, with all the places where it was found.

        Raises ``OSError`` if the ingress presents none that is trusted.
        """
        merged: dict[bytes, Found] = {}
        for one in self._each():
            known = merged.get(digest := one.certificate.fingerprint(hashes.SHA256()), one)
            where = known.where if known is one else f"{known.where}; {one.where}"
            merged[digest] = replace(known, where=where, renewal=known.renewal or one.renewal)
        return sorted(merged.values(), key=lambda one: one.end)

    def _each(self) -> Iterator[Found]:
        login = self.clients.platform.single_sign_on
        for url in (login.issuer, login.dashboard):
            yield Found(url, x509.load_der_x509_certificate(self.http.certificate(url)))
        yield from self._of_cluster()
        for ref in sorted(self._in_use()):
            yield from self._in_secret(ref)
        apps, ingress = self.clients.platform.apps, self.clients.platform.ingress
        for name in filter(None, (ingress.authority, KUBE_ROOT_CA)):
            item = self.clients.kube.find("v1", "ConfigMap", name, apps) or {}
            text = base64.b64encode((item.get("data") or {}).get("ca.crt", "").encode()).decode()
            yield from self._authority(f"ConfigMap {name}", text, renewed=False)
        for kind in _BUNDLES:
            yield from self._in_bundles(*kind)

    def _of_cluster(self) -> Iterator[Found]:
        """Yield what the API server and each kubelet present, where their ports are reached."""
        kube = self.clients.kube
        server = urlsplit(kube.transport.server)
        ports = {"the API server": (server.hostname or "", server.port or 443)}
        for node in kube.list("v1", "Node"):
            port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
            found = [(one["type"], one["address"]) for one in node["status"]["addresses"]]
            # Of a node with an IPv4 and an IPv6 address, the first is the one of its cluster.
            for address in [one for kind, one in found if kind == "InternalIP"][:1]:
                ports[f"the kubelet of {node['metadata']['name']}"] = (address, port)
        for name, address in ports.items():
            try:
                connection = socket.create_connection(address, _CONNECT)
                der = presented(connection, address[0], unverified())
            except OSError as error:
                self.unseen.append(f"{name}: {error}")
            else:
                yield Found(name, x509.load_der_x509_certificate(der))

    def _in_use(self) -> set[Ref]:
        """Return the Secrets that an Ingress or a pod of the platform uses, and the ingress itself.

        What nobody uses may have ended: the certificate of an app that was removed stays.
        """
        platform, kube = self.clients.platform, self.clients.kube
        described = platform.ingress.certificate
        both = (described.secret, described.authority) if described else ()
        found = {Ref("v1", "Secret", one.name, one.namespace) for one in both}
        for namespace in platform.namespaces:
            ingresses = kube.list("networking.k8s.io/v1", "Ingress", namespace)
            names = {name for one in ingresses for name in _of_tls(one)}
            names |= {name for pod in kube.list("v1", "Pod", namespace) for name in _mounted(pod)}
            found |= {Ref("v1", "Secret", name, namespace) for name in names}
        return found

    def _in_secret(self, ref: Ref) -> Iterator[Found]:
        secret = self.clients.kube.find(*ref) or {}
        data = secret.get("data") or {}
        name = _annotations(secret).get(BY_CERT_MANAGER)
        for certificate in self._parsed(str(ref), data.get("tls.crt"))[:1]:
            found = Found(str(ref), certificate)
            yield replace(found, renewal=self._renewal(name, ref, found)) if name else found
        yield from self._authority(f"{ref}, its authority", data.get("ca.crt"), renewed=bool(name))

    def _renewal(self, name: str, secret: Ref, found: Found) -> datetime:
        """Return when cert-manager renews a certificate, as its Certificate has it."""
        with suppress(ApiError, KeyError):
            about = ("cert-manager.io/v1", "Certificate", name, secret.namespace)
            status = self.clients.kube.get(*about)["status"]
            return datetime.fromisoformat(status["renewalTime"])
        return _usual_renewal(found.certificate)

    def _in_bundles(self, api_version: str, kind: str) -> Iterator[Found]:
        try:
            items = self.clients.kube.list(api_version, kind)
        except ApiError as error:
            self.unseen.append(f"{kind}: {error.message}")
            return
        for item in items:
            where = f"{kind} {item['metadata']['name']}"
            renewed = any(key.startswith(INJECTED) for key in _annotations(item))
            of_webhooks = [one["clientConfig"] for one in item.get("webhooks") or ()]
            for client in of_webhooks or [item.get("spec") or {}]:
                yield from self._authority(where, client.get("caBundle"), renewed=renewed)

    def _authority(self, where: str, bundle: str | None, *, renewed: bool) -> Iterator[Found]:
        """Yield the authority of a bundle that ends last: others may be there from before it.

        ``bundle`` is Base64, as the API has it.
        """
        if found := self._parsed(where, bundle):
            last = max(found, key=lambda one: one.not_valid_after_utc)
            yield Found(where, last, _usual_renewal(last) if renewed else None)

    def _parsed(self, where: str, text: str | None) -> list[x509.Certificate]:
        pem = base64.b64decode(text or "")
        if _PEM not in pem:
            return []
        try:
            return x509.load_pem_x509_certificates(pem)
        except ValueError as error:
            self.unseen.append(f"{where}: {error}")
            return []


def _of_tls(ingress: Object) -> list[str]:
    """Return the names of the Secrets with an Ingress' certificates."""
    return [one["secretName"] for one in ingress["spec"].get("tls") or () if "secretName" in one]


def _mounted(pod: Object) -> Iterator[str]:
    """Yield the names of the Secrets that a pod mounts."""
    for volume in pod["spec"].get("volumes") or ():
        if "secret" in volume:
            yield volume["secret"]["secretName"]
        for source in (volume.get("projected") or {}).get("sources") or ():
            if "secret" in source:
                yield source["secret"]["name"]


def _usual_renewal(certificate: x509.Certificate) -> datetime:
    """Return when cert-manager renews what it is not told otherwise of: with a third left."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return end - (end - begin) / 3


def _annotations(item: Object) -> dict[str, str]:
    annotations: dict[str, str] = item.get("metadata", {}).get("annotations") or {}
    return annotations
