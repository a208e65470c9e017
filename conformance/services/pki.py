"""The harness's certificate authority, in place of cert-manager and a public CA.

The CA's key lives in the memory of the process that made it and nowhere else. What the cluster
gets, and what a later run on a kept cluster reads back, is the server certificate with its key and
the CA's certificate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALIDITY = timedelta(days=30)
"""Longer than any kept cluster should live, short enough for the lifetime limits of browsers."""
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class ServerCertificate:
    """A server certificate with its key and its CA's certificate, all PEM."""

    certificate: bytes
    key: bytes = field(repr=False)
    ca_certificate: bytes

    def covers(self, domain: str) -> bool:
        """Whether it is valid for at least another day for every host of ``domain``."""
        parsed = x509.load_pem_x509_certificate(self.certificate)
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        fresh = parsed.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1)
        return fresh and f"*.{domain}" in names.get_values_for_type(x509.DNSName)


class CertificateAuthority:
    """An elliptic curve CA (P-256) that issues server certificates."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, "Stackspin conformance suite CA")]
        )
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        self._certificate = (
            _builder(name, name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )

    @property
    def certificate(self) -> bytes:
        """The CA's own certificate, PEM: what clients trust."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, domain: str) -> ServerCertificate:
        """Issue a certificate for ``domain`` and every host directly below it (RFC 6125, 6.4.3)."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"*.{domain}")])
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _builder(subject, self._certificate.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName(domain), x509.DNSName(f"*.{domain}")]),
                critical=False,
            )
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(issuer_key, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return ServerCertificate(
            certificate=certificate.public_bytes(serialization.Encoding.PEM),
            key=key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            ca_certificate=self.certificate,
        )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + VALIDITY)
    )
