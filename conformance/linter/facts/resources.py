"""What Kubernetes makes of a container's resources, beside what its schema says."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.linter.access import mapping
from conformance.linter.facts.changes import quantity
from conformance.linter.facts.violations import Violation
from conformance.linter.findings import quoted

_STANDARD = ("cpu", "memory", "ephemeral-storage")
_PAGES = "hugepages-"


def wrong_resources(resources: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield what a container cannot ask for. Paths are relative to ``resources``.

    A name without a domain is one of Kubernetes' own, and a request is at most the limit:
    https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
    """
    for part in ("requests", "limits"):
        for name in mapping(resources.get(part)):
            word = str(name)
            if word in _STANDARD or word.startswith(_PAGES) or "/" in word:
                continue
            close = difflib.get_close_matches(word[:60].lower(), _STANDARD, n=1, cutoff=0.6)
            meant = close[0] if close else ""
            yield Violation(
                (part, name),
                f"{quoted(word)} is not a resource of a container"
                f"{f'; did you mean {quoted(meant)}?' if meant else ''}",
                f"Write {meant}." if meant else f"Write {', '.join(_STANDARD)}, or remove it.",
            )
    limits = mapping(resources.get("limits"))
    for name, value in mapping(resources.get("requests")).items():
        asked, most = quantity(value), quantity(limits.get(name))
        if asked is not None and most is not None and asked > most:
            yield Violation(
                ("requests", name),
                f"the request of {quoted(value)} {str(name)[:60]} is more than the limit of "
                f"{quoted(limits[name])}",
                "Raise the limit, or lower the request.",
            )
