"""Which findings of two results are the same one."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.linter.result import Finding

_NUMBER = re.compile(r"[0-9]+")


def identity(finding: Finding, app: str) -> str:
    """Return a short text that stays the same while other lines of the file change."""
    place = finding.place
    return identity_of(finding.rule.id, app, place.file, place.object, finding.message)


def identity_of(rule: str, app: str, file: str, name: str, message: str) -> str:
    """Return the same of a finding's parts; numbers in the message, such as lines, do not count."""
    parts = (rule, app, file, name, _NUMBER.sub("0", message))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:24]
