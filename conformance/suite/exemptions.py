"""Checks that a platform's description exempts by their ids."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from conformance.formats.reading import nearest
from conformance.platform.features import PlatformFeature
from conformance.suite.twins import load_twins


def unknown_checks(exempt: Collection[str]) -> Mapping[str, str]:
    """Return which of these names are neither features nor ids of checks, each with what to do."""
    ids = sorted({*exempt} - {*PlatformFeature})
    known = load_twins().keys() if ids else ()  # each check has one
    return {name: _fix(name, known) for name in ids if name not in known}


def _fix(name: str, known: Collection[str]) -> str:
    near = nearest(name, known)
    return f"Did you mean {near}?" if near else "docs/checks.md lists them all."
