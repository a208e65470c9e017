"""Who copies the data of volumes for Velero: its node agents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.kube.describe import status_lines, title
from conformance.kube.errors import ApiError

if TYPE_CHECKING:
    from conformance.kube.client import Kube


def agents_in(kube: Kube, namespace: str) -> Iterator[str]:
    """Yield, in lines of text, the state of the node agents in Velero's namespace.

    They are a DaemonSet there, and alone read and write volumes.
    https://velero.io/docs/v1.18/file-system-backup/
    """
    try:
        agents = kube.list("apps/v1", "DaemonSet", namespace)
    except ApiError as error:
        yield f"whether a node agent runs could not be read: {error}"
        return
    for agent in agents:
        yield f"{title(agent)}: {'; '.join(status_lines(agent))}"
    if not agents:
        yield f"no node agent copies volumes: there is no DaemonSet in {namespace}"
