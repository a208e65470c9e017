"""Where on the page of a report a check is."""

from __future__ import annotations

import hashlib

from conformance.report.results import CheckResult


def anchor(check: CheckResult) -> str:
    """Return the id of the check's element, by which a link leads to it."""
    name = f"{check.node_id}{check.where}"
    return "check-" + hashlib.sha256(name.encode()).hexdigest()[:12]
