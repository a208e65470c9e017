"""Which suite is installed: its version, and whether it is more than the linter."""

from __future__ import annotations

import importlib.util

from conformance.common.errors import HarnessError

DISTRIBUTION = "stackspin-conformance"
_OF_THE_EXTRA = ("kubernetes", "playwright", "pytest_kind")
"""Some modules of the extra ``cluster``: somebody may have one of them for other reasons."""


def version() -> str:
    """Return the suite's version."""
    from importlib import metadata  # noqa: PLC0415 - slow, for what few commands show

    return metadata.version(DISTRIBUTION)


def has_cluster_extra() -> bool:
    """Return whether everything is installed, and not only what the linter needs."""
    return all(importlib.util.find_spec(name) for name in _OF_THE_EXTRA)


def require_cluster_extra(what: str) -> None:
    """Raise HarnessError if the extra ``cluster``, which ``what`` needs, is not installed."""
    if not has_cluster_extra():
        raise HarnessError(
            f'{what} needs the extra "cluster", which is not installed',
            f"pip install '{DISTRIBUTION}[cluster]' (from a checkout: pip install '.[cluster]')",
        )
