"""A token that is in a file: another one from time to time, as kubelet writes for its pods.

The kubernetes package reads the file once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from kubernetes.client import Configuration


def token_file(kubeconfig: Path, context: str | None) -> Path | None:
    """Return the file that the token of a context's user is in, if it is in one.

    Raises what reading a kubeconfig does, and KeyError or AttributeError if parts of it are
    missing or misshapen.
    """
    document = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    wanted = context or document.get("current-context")
    named = {one["name"]: one["context"] for one in document.get("contexts") or ()}
    users = {one["name"]: one["user"] or {} for one in document.get("users") or ()}
    file = users.get(named.get(wanted, {}).get("user"), {}).get("tokenFile")
    return kubeconfig.parent / file if file else None


def from_file(token: Path) -> Callable[[Configuration], None]:
    """Return what gives each request the token that is in the file at that moment."""

    def read(configuration: Configuration) -> None:
        configuration.api_key["BearerToken"] = f"Bearer {token.read_text(encoding='utf-8').strip()}"

    return read
