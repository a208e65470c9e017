"""A Velero for tests of restores, which remembers what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.kube.objects import Object


class AskedVelero:
    """Remembers what is asked of it; everything is Completed."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def back_up(self, name: str, *, namespaces: list[str], labels: Any = None) -> None:
        self.asked.append(("back up", name, *namespaces, labels))

    def restore(self, name: str, backup: str, **more: Any) -> None:
        self.asked.append(("restore", name, backup, more))

    def finished(self, _: str, name: str) -> Object:
        self.asked.append(("finished", name))
        return {"metadata": {"name": name}, "status": {"phase": "Completed"}}

    completed = finished
