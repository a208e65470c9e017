"""What an operator fears: objects are deleted, and with their claims the data."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.kube.client import Kube
from conformance.kube.conditions import deleted
from conformance.kube.objects import Objects, Ref
from conformance.kube.wait import Wait, wait_all


def lose(kube: Kube, doomed: Iterable[Ref], claims: Objects) -> list[str]:
    """Delete objects and wait until they, and the volumes of the claims, are gone.

    The claims themselves go only if they are among the objects, or in one of them: a namespace.
    Returns what is there nevertheless. Raises ``WaitTimeout``.
    """
    volumes = [item["spec"].get("volumeName") for item in claims]
    lost = list(doomed)
    for one in lost:
        kube.delete(*one)
    lost += [Ref("v1", "PersistentVolume", name) for name in volumes if name]
    wait_all(kube, [Wait(one, deleted()) for one in lost], timeout=kube.timeouts.deletion)
    return [f"{one.kind} {one.name}" for one in lost if kube.find(*one)]
