"""What the lists of parts (``catalogue.py``, ``stack_parts.py``) are written with."""

from __future__ import annotations

from typing import Any

from conformance.common.pins import pin
from conformance.components.parts import GoPart

STACK_VERSION = "0.1.0"
"""Version and tag of the images whose source is in this project."""
C_COMPILER = {"gcc": "gcc", "libc6-dev": "/usr/lib/*/libc.a"}
"""Debian packages (name: command or file that shows they are there) for C."""
CERTIFICATES = {"/etc/ssl/certs/ca-certificates.crt": "debian-files:ca-certificates.crt"}
"""Files of an image whose program speaks TLS to the world."""


def kubernetes_version() -> str:
    """Return the linker flags that tell Kubernetes' programs their version."""
    variables = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(f"-X {one}.gitVersion={pin('kubernetes').version}" for one in variables)


def go(name: str, module: str, **more: Any) -> GoPart:  # noqa: ANN401 - GoPart's own fields
    """Return the Go part ``name`` at its pinned version."""
    more["packages"] = {"ca-certificates": "/etc/ssl/certs/*.crt", **more.get("packages", {})}
    version = pin(more.get("shares", name)).version
    return GoPart(name=name, version=version, source=module, module=module, **more)
