"""Where Hydra sends people: back to the app, exactly, by https, on its own domain."""

from __future__ import annotations

import re

LOCAL = re.compile(r"localhost|127\.[\d.]+|0\.0\.0\.0|\[?::1\]?")


def is_own(host: str, own: set[str]) -> bool:
    """Return whether a host is one of the app's own, or below one."""
    host = host.lower()
    return any(host == one or host.endswith(f".{one}") for one in own)
