"""The node's certificates: whom its processes trust, and as whom they speak.

What needs which certificate: https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALIDITY = timedelta(days=365)
CLOCK_SKEW = timedelta(minutes=5)
"""A certificate is valid from a little before it is made: clocks may be set back meanwhile."""


class Authority:
    """A certificate authority whose files are ``<folder>/<name>.crt`` and ``.key``."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _subject(name, ())
        certificate = _certificate(self._name, self._name, self._key, self._key, ca=True)
        _write(folder / name, certificate, self._key)

    def issue(
        self,
        file: str,
        user: str,
        *,
        groups: Sequence[str] = (),
        serves: Sequence[str] = (),
    ) -> None:
        """Write ``<file>.crt`` and ``.key`` for a Kubernetes user and its groups.

        With ``serves``, names and addresses, it is a server's certificate as well.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(
            _subject(user, groups), self._name, key, self._key, ca=False, serves=serves
        )
        _write(self._folder / file, certificate, key)


def write_cluster_pki(folder: Path, *, node: str, address: str, service_address: str) -> None:
    """Write every certificate and key of a single-node cluster into ``folder``.

    ``service_address`` is that of the Service ``kubernetes`` in namespace default.
    """
    folder.mkdir(mode=0o700, parents=True)
    cluster = Authority(folder, "ca")
    cluster.issue(
        "apiserver",
        "kube-apiserver",
        serves=[
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "localhost",
            node,
            address,
            service_address,
            "127.0.0.1",
        ],
    )
    masters = ("system:masters",)  # no RoleBinding to install before anything works
    cluster.issue("apiserver-kubelet-client", "kube-apiserver-kubelet-client", groups=masters)
    cluster.issue("admin", "kubernetes-admin", groups=masters)
    cluster.issue("controller-manager", "system:kube-controller-manager")
    cluster.issue("scheduler", "system:kube-scheduler")
    cluster.issue("proxy", "system:kube-proxy")
    cluster.issue("kubelet", f"system:node:{node}", groups=("system:nodes",))
    cluster.issue("kubelet-serving", node, serves=[node, address])
    Authority(folder, "front-proxy-ca").issue("front-proxy-client", "front-proxy-client")
    accounts = ec.generate_private_key(ec.SECP256R1())
    _write_private(folder / "service-accounts.key", accounts)
    (folder / "service-accounts.pub").write_bytes(
        accounts.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def _subject(user: str, groups: Sequence[str]) -> x509.Name:
    """Return the subject by which Kubernetes knows a user: CN the user, O the groups."""
    return x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups),
            x509.NameAttribute(NameOID.COMMON_NAME, user),
        ]
    )


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
    serves: Sequence[str] = (),
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(_key_usage(ca), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if ca:
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
    else:
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH]
        uses += [ExtendedKeyUsageOID.SERVER_AUTH] if serves else []
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    if serves:
        names = [_alternative_name(name) for name in serves]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _key_usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    path.with_name(path.name + ".crt").write_bytes(pem)
    _write_private(path.with_name(path.name + ".key"), key)


def _write_private(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,  # kube-controller-manager's CSR signer reads PKCS8
        serialization.NoEncryption(),
    )
    path.touch(mode=0o600)
    path.write_bytes(pem)
