"""What a pod may do to the node that it runs on.

After the Pod Security Standards: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.linter.access import Path, get, sequence, text
from conformance.linter.pods import Container, Pod

_HARMLESS = frozenset(
    {
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
        "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    }
)  # fmt: skip
"""Capabilities that the profile ``baseline`` lets a container add."""
_HOST = {
    "hostNetwork": "is in the node's own network: it reaches services that listen only on the node",
    "hostPID": "can see and stop all processes of the node",
    "hostIPC": "shares memory with the processes of the node",
}


def setting(container: Container, name: str) -> tuple[Any, Path]:
    """Return a field of the security context, and where in the pod template it is or belongs.

    The container's own wins over the pod's.
    """
    own = (*container.path, "securityContext")
    value = get(container.value, "securityContext", name)
    if value is not None:
        return value, (*own, name)
    value = container.pod.get("spec", "securityContext", name)
    if value is not None:
        return value, ("spec", "securityContext", name)
    return None, container.path


def is_privileged(container: Container) -> bool:
    """Return whether a container is privileged."""
    return get(container.value, "securityContext", "privileged") is True


def breaches_of_pod(pod: Pod) -> Iterator[tuple[Path, str]]:
    """Yield what opens the node to the whole pod: where, and what it does."""
    for key, what in _HOST.items():
        if pod.get("spec", key) is True:
            yield ("spec", key), f"with {key} the pod {what}"


def breaches(container: Container) -> Iterator[tuple[Path, str]]:
    """Yield what opens the node to a container: where, and what it does."""
    name = f"container {container.name}"
    context = (*container.path, "securityContext")
    if is_privileged(container):
        yield (*context, "privileged"), f"{name} is privileged: it can do everything that root can"
    yield from added_capabilities(container)
    kind, place = setting(container, "seccompProfile")
    if text(get(kind, "type")) == "Unconfined":
        yield place, f"{name} can make every system call (seccompProfile Unconfined)"


def added_capabilities(container: Container) -> Iterator[tuple[Path, str]]:
    """Yield the capabilities that a container has that ``baseline`` does not have: where, which."""
    added = sequence(get(container.value, "securityContext", "capabilities", "add"))
    for index, capability in enumerate(added):
        plain = text(capability).upper().removeprefix("CAP_")
        if plain and plain not in _HARMLESS:
            place = (*container.path, "securityContext", "capabilities", "add", index)
            yield place, f"container {container.name} has the capability {plain[:40]}"


def as_root(container: Container) -> tuple[Path, str] | None:
    """Return where it is written, or left open, that a container runs as root; None if not."""
    user, place = setting(container, "runAsUser")
    checked, _ = setting(container, "runAsNonRoot")
    if checked is True or (user is not None and user != 0):
        return None
    if user == 0 and not isinstance(user, bool):
        return place, "runs as root (runAsUser: 0)"
    return place, "runs as the user set in the image, usually root (no runAsNonRoot)"


def refused(container: Container) -> Path | None:
    """Return where root is demanded of a container that may not be root; None if it is not."""
    user, place = setting(container, "runAsUser")
    checked, _ = setting(container, "runAsNonRoot")
    root = user == 0 and not isinstance(user, bool)
    return place if root and checked is True else None
