"""The style sheet and the script of the pages, both inside them."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from markupsafe import Markup


def style(*names: str) -> Markup:
    """Return style sheets of the project's own, which need no escaping: they are never data."""
    return Markup("\n".join(_asset(name) for name in names))  # noqa: S704


def policy_and_script() -> dict[str, object]:
    """Return what a template needs to run report.js, and nothing else."""
    script = _asset("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {"script": Markup(script), "script_hash": digest}  # noqa: S704


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("templates", name).read_text(encoding="utf-8")
