"""Certificates of an authority that somebody else has made, as a client's OpenSSL sees them."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from conformance.common.pki import CertificateAuthority, KeyPair, private_pem
from conformance.services.tls import presented

HOST = "notes.stackspin.test"


def authority(identifier: bytes | None) -> KeyPair:
    """Return an authority with an RSA key, which is identified like this, or not at all."""
    key, now = rsa.generate_private_key(65537, 2048), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody's CA")])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
    )
    if identifier:
        builder = builder.add_extension(x509.SubjectKeyIdentifier(identifier), critical=False)
    made = builder.sign(key, hashes.SHA256())
    return KeyPair(made.public_bytes(Encoding.PEM), private_pem(key))


@pytest.mark.parametrize("identifier", [b"no SHA-1 of the key", None])
def test_who_trusts_a_given_authority_trusts_what_it_issues(
    identifier: bytes | None, tmp_path: Path
) -> None:
    given = authority(identifier)
    issued = CertificateAuthority.of(given).issue("stackspin.test")
    file = tmp_path / "tls.pem"
    file.write_bytes(issued.certificate + issued.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with suppress(OSError), context.wrap_socket(theirs, server_side=True) as session:
            session.recv(1)

    threading.Thread(target=serve, daemon=True).start()
    trust = ssl.create_default_context(cadata=given.certificate.decode())
    found = x509.load_der_x509_certificate(presented(ours, HOST, trust))
    assert found == x509.load_pem_x509_certificate(issued.certificate)
