"""What kind of processor this machine has."""

from __future__ import annotations

import platform


def architecture() -> str:
    """Return this machine's architecture in the words of Debian, Go and OCI."""
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    return names.get(platform.machine(), platform.machine())
