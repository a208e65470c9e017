"""A certificate of the ingress that is renewed, and whether it is noticed that it is presented."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from conformance.capabilities.operations import ingress_certificate
from conformance.capabilities.operations.ingress_certificate import IngressCertificate
from conformance.common.pki import CertificateAuthority, KeyPair
from conformance.kube.objects import Ref
from conformance.platform.reference import reference_platform
from conformance.suite.check import NotRun

DOMAIN = "stackspin.test"
SECRET = Ref("v1", "Secret", "ingress-default-certificate", "stackspin")
AUTHORITY = Ref("v1", "Secret", "ingress-authority", "stackspin-conformance")


def data_of(pair: KeyPair) -> dict[str, str]:
    texts = {"tls.crt": pair.certificate, "tls.key": pair.key}
    return {key: base64.b64encode(text).decode() for key, text in texts.items()}


class Platform:
    """A cluster with two Secrets and some pods, and an ingress that may read the first again."""

    run_id = "abc"

    def __init__(self) -> None:
        self.platform = reference_platform(DOMAIN)
        self.kube = self
        self.authority = CertificateAuthority()
        self.there = {
            SECRET: data_of(self.authority.issue(DOMAIN)),
            AUTHORITY: data_of(self.authority.key_pair),
        }
        self.before = dict(self.there[SECRET])
        self.pods = {"nginx": 0, "job": 0}
        self.reads_again = True
        self.read = self.before

    def find(self, *which: Any) -> dict[str, Any] | None:
        found = self.there.get(Ref(*which))
        return {"data": dict(found)} if found else None

    def get(self, *which: Any) -> dict[str, Any]:
        found = self.find(*which)
        assert found
        return found

    def patch(self, *which_and_body: Any) -> None:
        self.there[Ref(*which_and_body[:-1])].update(which_and_body[-1]["data"])
        if self.reads_again:
            self.read = dict(self.there[SECRET])

    def create(self, note: dict[str, Any]) -> dict[str, Any]:
        texts = note["stringData"].items()
        data = {key: base64.b64encode(text.encode()).decode() for key, text in texts}
        return {"metadata": {"name": "note", "namespace": "stackspin"}, "data": data}

    def delete(self, *_: object) -> None:
        pass

    def list(self, _: str, __: str, namespace: str) -> list[dict[str, Any]]:
        if namespace != "stackspin":
            return []
        return [
            {
                "metadata": {
                    "uid": name,
                    "name": name,
                    "ownerReferences": [{"kind": "Job" if name == "job" else "ReplicaSet"}],
                },
                "status": {"containerStatuses": [{"restartCount": restarts}]},
            }
            for name, restarts in self.pods.items()
        ]

    def certificate(self, url: str) -> bytes:
        assert url == f"https://sso.{DOMAIN}/"
        found = x509.load_pem_x509_certificate(base64.b64decode(self.read["tls.crt"]))
        authority = x509.load_pem_x509_certificate(self.authority.certificate)
        found.verify_directly_issued_by(authority)
        return found.public_bytes(Encoding.DER)


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setattr(ingress_certificate, "RENEWAL", 0.0)
    return Platform()


@pytest.fixture
def certificate(platform: Platform) -> IngressCertificate:
    return IngressCertificate(platform, platform)  # type: ignore[arg-type]


def test_a_renewed_certificate_is_presented_and_the_old_one_put_back(
    platform: Platform, certificate: IngressCertificate
) -> None:
    with certificate.renewed():
        assert platform.there[SECRET] != platform.before
        assert certificate.presented_within(0)
        chain = base64.b64decode(platform.there[SECRET]["tls.crt"])
        assert chain.endswith(platform.authority.certificate)
    assert platform.there[SECRET] == platform.before


def test_an_ingress_that_reads_its_certificate_once_is_found(
    platform: Platform, certificate: IngressCertificate
) -> None:
    platform.reads_again = False
    with certificate.renewed():
        assert not certificate.presented_within(0)


def test_an_ingress_that_is_away_presents_nothing(
    platform: Platform, certificate: IngressCertificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: object) -> bytes:
        raise ConnectionRefusedError

    with certificate.renewed():
        monkeypatch.setattr(platform, "certificate", refused)
        assert not certificate.presented_within(0)


def test_pods_that_restart_are_named_but_not_those_that_end(
    platform: Platform, certificate: IngressCertificate
) -> None:
    before = certificate.pods()
    del platform.pods["job"]
    assert certificate.restarted(before) == []
    platform.pods["nginx"] = 1
    assert certificate.restarted(before) == ["nginx"]
    del platform.pods["nginx"]
    assert certificate.restarted(before) == ["nginx"]


def not_renewed(certificate: IngressCertificate, why: str) -> None:
    with pytest.raises(NotRun, match=why), certificate.renewed():
        pass


def test_nothing_is_renewed_where_that_cannot_be(
    platform: Platform, certificate: IngressCertificate
) -> None:
    platform.read = data_of(platform.authority.issue(DOMAIN))
    not_renewed(certificate, "does not present the certificate in Secret ingress-default")
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = Ed25519PrivateKey.generate().private_bytes(*form)
    other = KeyPair(platform.authority.certificate, key)
    platform.there[AUTHORITY] = data_of(other)
    not_renewed(certificate, "cannot issue certificates here: its key is neither RSA nor")
    del platform.there[AUTHORITY]
    not_renewed(certificate, "Secret ingress-authority in stackspin-conformance has no tls.crt")
    ingress = platform.platform.ingress.model_copy(update={"certificate": None})
    platform.platform = platform.platform.model_copy(update={"ingress": ingress})
    not_renewed(certificate, r"\(ingress\.certificate\)")
    assert platform.there[SECRET] == platform.before
