"""Pods that run an app's image, each configured in another way: those of ``pods.yaml``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from conformance.apps.running import RunningImage


class Pods(Protocol):
    """The pods by their names in ``pods.yaml``."""

    def __call__(self, name: str) -> RunningImage:
        """Return a pod as soon as it listens. Raises ``WaitTimeout``."""


def title_of(pod: RunningImage, port: int) -> str:
    """Return the title of the app's page."""
    page = pod.get(port, "/").text
    return page.partition("<title>")[2].partition("</title>")[0]
