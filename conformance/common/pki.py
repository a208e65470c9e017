"""Certificates of the suite's own: for a cluster's node, and for the platform in place of a
public CA.

What needs which extension: RFC 5280, and for clients of Kubernetes
https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALIDITY = timedelta(days=120)
"""Longer than any kept platform should live, and than a snapshot of one is used with what starts
from it; short enough for the lifetime limits of browsers."""
CLOCK_SKEW = timedelta(minutes=5)
"""A certificate is valid from a little before it is made: clocks may be set back meanwhile."""
_CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
_SERVER = ExtendedKeyUsageOID.SERVER_AUTH
_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class KeyPair:
    """A certificate with its key, both PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True)
class ServerCertificate(KeyPair):
    """A server certificate with its key and its CA's certificate, all PEM."""

    ca_certificate: bytes

    def covers(self, domain: str) -> bool:
        """Whether it is valid for at least another day for every host of ``domain``."""
        parsed = x509.load_pem_x509_certificate(self.certificate)
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        fresh = parsed.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1)
        return fresh and f"*.{domain}" in names.get_values_for_type(x509.DNSName)


class CertificateAuthority:
    """An elliptic curve CA (P-256) that issues no other CA's certificate.

    Its key lives in the memory of this process, unless ``key_pair`` is written down.
    """

    def __init__(
        self, name: str = "Stackspin conformance suite CA", validity: timedelta = VALIDITY
    ) -> None:
        """Make a new key; ``validity`` is that of every certificate, its own included."""
        self._validity = validity
        self._key: _Key = ec.generate_private_key(ec.SECP256R1())
        self._name = _subject(name, ())
        public_key = self._key.public_key()
        self._certificate = (
            self._builder(self._name, public_key, ca=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )

    @classmethod
    def of(cls, pair: KeyPair, validity: timedelta = VALIDITY) -> Self:
        """Return the CA with this certificate and key, both PEM.

        Raises ``ValueError`` unless the key is of a curve of NIST's or RSA.
        """
        made = cls.__new__(cls)
        made._validity = validity
        key = serialization.load_pem_private_key(pair.key, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise ValueError("its key is neither RSA nor of a curve of NIST's")  # noqa: TRY004 - of a file
        made._key = key
        made._certificate = x509.load_pem_x509_certificate(pair.certificate)
        made._name = made._certificate.subject
        return made

    @property
    def certificate(self) -> bytes:
        """The CA's own certificate, PEM: what clients trust."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pair(self) -> KeyPair:
        """The CA's own certificate with its key, for a program that issues certificates itself."""
        return KeyPair(self.certificate, private_pem(self._key))

    def issue(self, domain: str) -> ServerCertificate:
        """Issue a certificate for ``domain`` and every host directly below it (RFC 6125, 6.4.3)."""
        pair = self._issue(f"*.{domain}", (), uses=[_SERVER], serves=(domain, f"*.{domain}"))
        return ServerCertificate(pair.certificate, pair.key, self.certificate)

    def issue_client(
        self, user: str, *, groups: Sequence[str] = (), serves: Sequence[str] = ()
    ) -> KeyPair:
        """Issue a certificate for a Kubernetes user and its groups.

        With ``serves``, names and addresses, it is a server's certificate as well.
        """
        uses = [_CLIENT, _SERVER] if serves else [_CLIENT]
        return self._issue(user, groups, uses=uses, serves=serves)

    def _issue(
        self,
        user: str,
        groups: Sequence[str],
        *,
        uses: Sequence[x509.ObjectIdentifier],
        serves: Sequence[str],
    ) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_subject(user, groups), key.public_key(), ca=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        builder = builder.add_extension(self._issuer_key(), critical=False)
        if serves:
            names = [_alternative_name(name) for name in serves]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), private_pem(key))

    def _issuer_key(self) -> x509.AuthorityKeyIdentifier:
        """Return the identifier that the CA has, which need not be SHA-1 of its key (RFC 5280)."""
        try:
            found = self._certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        except x509.ExtensionNotFound:
            return x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found.value)

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        constraints = x509.BasicConstraints(ca=ca, path_length=0 if ca else None)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SKEW)
            .not_valid_after(now + self._validity)
            .add_extension(constraints, critical=True)
            .add_extension(_key_usage(ca), critical=True)
        )


def private_pem(key: _Key) -> bytes:
    """Return a private key as PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,  # kube-controller-manager's CSR signer reads PKCS8
        serialization.NoEncryption(),
    )


def _subject(user: str, groups: Sequence[str]) -> x509.Name:
    """Return the subject by which Kubernetes knows a user: CN the user, O the groups."""
    return x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups),
            x509.NameAttribute(NameOID.COMMON_NAME, user),
        ]
    )


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
