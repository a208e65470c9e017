"""The reference platform, described as any other is."""

from __future__ import annotations

from pathlib import Path

from conformance.platform.description import Platform

FILE = Path(__file__).with_name("platform.yaml")


def reference_platform(domain: str) -> Platform:
    """Return what the suite installs, for a domain."""
    return Platform.read(FILE, domain)
