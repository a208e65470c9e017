"""How long a platform's certificates last, wherever it has them, and who renews them."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.capabilities.operations import certificates
from conformance.capabilities.operations import test_certificates as checks
from conformance.capabilities.operations.certificates import Found, PlatformCertificates
from conformance.common.pki import CertificateAuthority
from conformance.kube.errors import Forbidden, NotFound
from conformance.kube.objects import Ref
from conformance.platform.reference import reference_platform

DOMAIN = "stackspin.test"
APPS = "stackspin-apps"
CERT_MANAGER = {certificates.BY_CERT_MANAGER: "shop"}
WEBHOOKS = "ValidatingWebhookConfiguration"


def issued(days: float) -> bytes:
    return CertificateAuthority(validity=timedelta(days=days)).issue(DOMAIN).certificate


LASTING, SHORT, MIDDLE = issued(120), issued(7), issued(40)


def text(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


class Platform:
    """A platform with no certificate but that of its ingress, its API and its kubelet."""

    def __init__(self) -> None:
        self.platform = reference_platform(DOMAIN)
        self.kube = self
        self.transport = SimpleNamespace(server="https://10.0.0.1:6443")
        self.ingress = self.api = self.kubelet = LASTING
        self.secrets: dict[Ref, dict[str, Any]] = {}
        self.items: dict[str, list[dict[str, Any]]] = {"Node": [NODE]}
        self.config_maps: dict[str, str] = {}
        self.unreached: set[str] = set()
        self.forbidden: set[str] = set()
        self.renewal_time = ""

    def certificate(self, url: str) -> bytes:
        assert url.endswith((f"sso.{DOMAIN}/", f"dashboard.{DOMAIN}"))
        return x509.load_pem_x509_certificate(self.ingress).public_bytes(Encoding.DER)

    def list(self, _: str, kind: str, namespace: str = "") -> list[dict[str, Any]]:
        if kind in self.forbidden:
            raise Forbidden(f"GET {kind}", 403, "Forbidden", "not allowed")
        return self.items.get(kind, []) if namespace in ("", APPS) else []

    def find(self, *which: Any) -> dict[str, Any] | None:
        ref = Ref(*which)
        if ref.kind == "ConfigMap":
            assert ref.namespace == APPS
            return {"data": {"ca.crt": self.config_maps.get(ref.name, "")}}
        return self.secrets.get(ref)

    def get(self, *which: Any) -> dict[str, Any]:
        assert which == ("cert-manager.io/v1", "Certificate", "shop", APPS)
        if not self.renewal_time:
            raise NotFound("GET", 404, "NotFound", "there is none")
        return {"status": {"renewalTime": self.renewal_time}}

    def add_secret(self, name: str, /, annotations: Any = None, **data: bytes) -> None:
        keys = {key.replace("_", "."): text(pem) for key, pem in data.items()}
        metadata = {"name": name, "annotations": annotations}
        self.secrets[Ref("v1", "Secret", name, APPS)] = {"metadata": metadata, "data": keys}

    def use_in_ingress(self, name: str) -> None:
        self.items["Ingress"] = [{"spec": {"tls": [{"hosts": []}, {"secretName": name}]}}]


NODE = {
    "metadata": {"name": "node-1"},
    "status": {
        "addresses": [
            {"type": "Hostname", "address": "node-1"},
            {"type": "InternalIP", "address": "10.0.0.2"},
            {"type": "InternalIP", "address": "fd00::2"},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
    },
}


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Platform:
    made = Platform()
    ports = {("10.0.0.1", 6443): "api", ("10.0.0.2", 10250): "kubelet"}

    def connect(address: tuple[str, int], _: float) -> str:
        if ports[address] in made.unreached:
            raise ConnectionRefusedError("refused")
        return ports[address]

    def presented(connection: str, *_: object) -> bytes:
        pem = getattr(made, connection)
        return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)

    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(certificates, "presented", presented)
    return made


def faults(platform: Platform) -> list[str]:
    found = PlatformCertificates(platform, platform).found()  # type: ignore[arg-type]
    return [fault for one in found if (fault := one.fault(datetime.now(UTC)))]


def of_ingress(platform: Platform) -> str:
    platform.ingress = SHORT
    return f"https://sso.{DOMAIN}/; https://dashboard.{DOMAIN}"


def of_api(platform: Platform) -> str:
    platform.api = SHORT
    return "the API server"


def of_kubelet(platform: Platform) -> str:
    platform.kubelet = SHORT
    return "the kubelet of node-1"


def of_an_ingress(platform: Platform) -> str:
    platform.add_secret("shop-tls", tls_crt=SHORT + LASTING)
    platform.use_in_ingress("shop-tls")
    return f"Secret shop-tls in {APPS}"


def of_a_pod(platform: Platform) -> str:
    platform.add_secret("webhook", tls_crt=SHORT)
    volume: dict[str, Any] = {"name": "certificate", "secret": {"secretName": "webhook"}}
    platform.items["Pod"] = [{"spec": {"volumes": [{"name": "data"}, volume]}}]
    return f"Secret webhook in {APPS}"


def of_an_authority_in_a_pod(platform: Platform) -> str:
    platform.add_secret("trusted", ca_crt=SHORT)
    sources = [{"configMap": {"name": "other"}}, {"secret": {"name": "trusted"}}]
    platform.items["Pod"] = [{"spec": {"volumes": [{"projected": {"sources": sources}}]}}]
    return f"Secret trusted in {APPS}, its authority"


def of_an_authority(platform: Platform) -> str:
    platform.config_maps["kube-root-ca.crt"] = SHORT.decode()
    return "ConfigMap kube-root-ca.crt"


def of_a_webhook(platform: Platform) -> str:
    clients = [{"clientConfig": {"url": "https://a"}}, {"clientConfig": {"caBundle": text(SHORT)}}]
    platform.items[WEBHOOKS] = [{"metadata": {"name": "guard"}, "webhooks": clients}]
    return f"{WEBHOOKS} guard"


def of_an_api_service(platform: Platform) -> str:
    platform.items["APIService"] = [
        {"metadata": {"name": "local"}, "spec": {}},
        {"metadata": {"name": "metrics"}, "spec": {"caBundle": text(SHORT)}},
    ]
    return "APIService metrics"


PLACES = [
    of_ingress,
    of_api,
    of_kubelet,
    of_an_ingress,
    of_a_pod,
    of_an_authority_in_a_pod,
    of_an_authority,
    of_a_webhook,
    of_an_api_service,
]


@pytest.mark.parametrize("place", PLACES)
def test_a_certificate_that_ends_in_a_week_is_found_wherever_it_is(
    platform: Platform, place: Callable[[Platform], str]
) -> None:
    assert faults(platform) == []
    where = place(platform)
    wanted = f"the certificate of {where} ends in 7 days, and nothing renews it"
    assert faults(platform) == [wanted]


def test_what_nobody_uses_may_end(platform: Platform) -> None:
    platform.add_secret("left-over", tls_crt=SHORT)
    assert faults(platform) == []


def test_an_authority_that_is_replaced_may_end(platform: Platform) -> None:
    platform.config_maps["kube-root-ca.crt"] = (SHORT + LASTING).decode()
    assert faults(platform) == []


@pytest.mark.parametrize(("left", "fault"), [(31, ""), (21, ""), (19, "ends in 19 days")])
def test_a_certificate_of_90_days_is_overdue_with_less_than_20(left: int, fault: str) -> None:
    certificate = x509.load_pem_x509_certificate(issued(90))
    found = Found("here", certificate, certificates._usual_renewal(certificate))
    now = certificate.not_valid_after_utc - timedelta(days=left)
    said = found.fault(now + timedelta(minutes=10))
    assert bool(said) == bool(fault)
    assert fault in said


def test_a_certificate_that_has_ended_has() -> None:
    certificate = x509.load_pem_x509_certificate(SHORT)
    later = certificate.not_valid_after_utc + timedelta(days=1)
    assert "has ended, and nothing renews it" in Found("here", certificate).fault(later)


def test_cert_manager_renews_what_it_has_issued(platform: Platform) -> None:
    platform.add_secret("shop-tls", annotations=CERT_MANAGER, tls_crt=MIDDLE, ca_crt=MIDDLE)
    platform.use_in_ingress("shop-tls")
    assert faults(platform) == []
    platform.renewal_time = "2020-01-01T00:00:00Z"
    assert faults(platform) == [
        f"the certificate of Secret shop-tls in {APPS}; Secret shop-tls in {APPS}, its authority"
        " ends in 40 days, and was to be renewed on 2020-01-01"
    ]


def test_what_the_ingress_presents_is_renewed_by_whoever_renews_its_secret(
    platform: Platform,
) -> None:
    platform.ingress = MIDDLE
    assert len(faults(platform)) == 1
    platform.add_secret("shop-tls", annotations=CERT_MANAGER, tls_crt=MIDDLE)
    platform.use_in_ingress("shop-tls")
    assert faults(platform) == []


def test_an_authority_that_cert_manager_injects_is_renewed(platform: Platform) -> None:
    platform.items[WEBHOOKS] = [
        {
            "metadata": {"name": "guard", "annotations": {"cert-manager.io/inject-ca-from": "x"}},
            "webhooks": [{"clientConfig": {"caBundle": text(MIDDLE)}}],
        }
    ]
    assert faults(platform) == []


def test_what_could_not_be_looked_at_is_said(platform: Platform) -> None:
    platform.unreached.add("kubelet")
    platform.forbidden.add("APIService")
    platform.add_secret("broken", tls_crt=b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----")
    platform.use_in_ingress("broken")
    made = PlatformCertificates(platform, platform)  # type: ignore[arg-type]
    notes: list[str] = []
    files: dict[str, str] = {}
    evidence: Any = SimpleNamespace(attach=files.__setitem__, note=notes.append)
    checks.test_certificates_outlast(made, evidence)
    [note] = notes
    assert "the kubelet of node-1: refused; Secret broken in stackspin-apps: " in note
    assert note.endswith("APIService: GET APIService: not allowed (403 Forbidden)")
    assert "the API server" in files["certificates.txt"]


def test_the_check_fails_by_what_ends(platform: Platform) -> None:
    platform.api = SHORT
    made = PlatformCertificates(platform, platform)  # type: ignore[arg-type]
    evidence: Any = SimpleNamespace(attach=lambda *_: None)
    with pytest.raises(AssertionError, match="of the API server ends in 7 days"):
        checks.test_certificates_outlast(made, evidence)
