"""Which versions of TLS a server speaks, one handshake for each, and which certificate it has."""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Callable

VERSIONS = (
    ssl.TLSVersion.TLSv1,
    ssl.TLSVersion.TLSv1_1,
    ssl.TLSVersion.TLSv1_2,
    ssl.TLSVersion.TLSv1_3,
)
ANY_CIPHER = "DEFAULT@SECLEVEL=0"
"""Debian's OpenSSL refuses TLS 1.0 and 1.1 by itself above security level 0, and no server would
be asked: https://docs.openssl.org/3.0/man3/SSL_CTX_set_security_level/"""
ANOTHER_VERSION = {"UNSUPPORTED_PROTOCOL", "WRONG_VERSION_NUMBER"}
"""OpenSSL's words for a server that answers with another version than the one it was offered."""


class CannotSpeak(Exception):
    """This machine's OpenSSL cannot speak a version of TLS: nothing is known of the server."""


def presented(connection: socket.socket, host: str, trust: ssl.SSLContext) -> bytes:
    """Return the certificate, DER, by which a server is trusted for a name.

    Closes the connection. Raises ``OSError``: ``ssl.SSLError`` where it is not trusted.
    """
    with connection, trust.wrap_socket(connection, server_hostname=host) as session:
        return session.getpeercert(binary_form=True) or b""


def unverified() -> ssl.SSLContext:
    """Return what takes every certificate: to look at it, not to trust whoever has it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def spoken(connect: Callable[[], socket.socket], host: str) -> list[ssl.TLSVersion]:
    """Return the versions of TLS that a server speaks for a name, the oldest first.

    ``connect`` opens a connection to it. Whose certificate it has is not looked at. Raises
    ``CannotSpeak``, and ``OSError`` where nothing accepts connections.
    """
    return [version for version in VERSIONS if _speaks(connect(), host, version)]


def _speaks(connection: socket.socket, host: str, version: ssl.TLSVersion) -> bool:
    with connection:
        try:
            with _only(version).wrap_socket(connection, server_hostname=host) as session:
                return session.version() is not None
        except ssl.SSLError as error:
            if _is_answer(error):
                return False
            raise CannotSpeak(f"{version.name}: {error}") from error
        except ConnectionError:
            return False  # a server may refuse without a word


def _is_answer(error: ssl.SSLError) -> bool:
    """Whether the server has refused: by an alert, by another version, or without a word."""
    reason = error.reason or ""
    return "_ALERT_" in reason or reason in ANOTHER_VERSION or isinstance(error, ssl.SSLEOFError)


def _only(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = unverified()
    context.set_ciphers(ANY_CIPHER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what is asked for
        context.minimum_version = context.maximum_version = version
    return context
