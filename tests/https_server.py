"""A real https server on loopback, with a certificate of the harness's own CA."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from conformance.common.pki import ServerCertificate

DOMAIN = "stackspin.test"
"""The platform's, for which the fixture ``certificate`` is."""


@contextmanager
def https_server(
    handler: type[BaseHTTPRequestHandler], certificate: ServerCertificate, folder: Path
) -> Iterator[int]:
    """Serve while the body runs; yield the port. ``folder`` is where the key is put."""
    (folder / "tls.pem").write_bytes(certificate.certificate + certificate.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
