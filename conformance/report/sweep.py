"""The proof that redaction works: a planted secret must be found in no artifact of the run."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from conformance.common.redaction import OPAQUE

SHORTEST = 8
"""Learnt values below this length are not looked for: digits also stand in hashes and times."""

_OPAQUE = re.compile(OPAQUE.encode())


class PlantedSecret:
    """A random value that every test namespace holds in a Secret, and nobody is told."""

    def __init__(self) -> None:
        self._value = f"planted-{secrets.token_hex(16)}"

    def manifest(self, namespace: str) -> dict[str, Any]:
        """Return a Secret with the value, as an app's credentials would hold it."""
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "planted-credentials", "namespace": namespace},
            "stringData": {"password": self._value},
        }

    @property
    def values(self) -> list[str]:
        """The secret values to look for."""
        return [self._value]


def forms(value: str) -> set[bytes]:
    """Return what a leak of ``value`` looks like: plain, or base64 at any of the three offsets.

    Inside a longer text (``user:value``) base64 shifts; the characters at either end then depend
    on the neighbours, so they are left out.
    """
    raw = value.encode()
    found = {raw}
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        start = (0, 2, 3)[offset]
        end = len(encoded) - (4 if (offset + len(raw)) % 3 else 0)
        found.add(encoded[start:end])
    return {form for form in found if len(form) >= 4}


def sweep(folder: Path, values: Iterable[str], learnt: Iterable[str]) -> list[str]:
    """Return the files under ``folder``, relative to it, that hold a secret.

    That is one of ``values`` in any form, literally one of ``learnt``, or a token of Hydra or
    Kratos, which nobody learns, as each login makes new ones.
    """
    needles = set[bytes]().union(*(forms(value) for value in values))
    needles |= {value.encode() for value in learnt}
    leaks = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        data = path.read_bytes()
        if any(needle in data for needle in needles) or _OPAQUE.search(data):
            leaks.append(path.relative_to(folder).as_posix())
    return leaks
