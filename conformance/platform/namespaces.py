"""Namespaces of a run: fresh, with its id in their names, deleted in the background."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from conformance.kube.apply import apply
from conformance.kube.client import Kube
from conformance.kube.conditions import deleted, exists
from conformance.kube.objects import Ref
from conformance.kube.wait import wait

RUN_LABEL = "conformance.stackspin.net/run"
_UNSAFE = re.compile(r"[^a-z0-9]+")


class Namespaces:
    """Creates and deletes the namespaces of one run."""

    def __init__(
        self,
        kube: Kube,
        run_id: str,
        deletion_timeout: float,
        secret: Callable[[str], dict[str, Any]],
    ) -> None:
        self._kube = kube
        self._run_id = run_id
        self._deletion_timeout = deletion_timeout
        self._secret = secret
        self._numbers = itertools.count(1)
        self._owned: dict[str, list[str]] = {}
        self._deletions: dict[str, threading.Thread] = {}
        self._failures: dict[str, str] = {}

    def create(self, hint: str, owner: str = "") -> str:
        """Create an empty namespace (but for the planted secret); ``hint`` is part of its name.

        ``owner`` is who uses it, for ``of``. Returns when pods can be made in it: before its
        ServiceAccount is there, they are refused.
        """
        words = _UNSAFE.sub("-", hint.lower()).strip("-")[:40].rstrip("-")
        name = f"{words or 'check'}-{self._run_id}-{next(self._numbers)}"
        self._owned.setdefault(owner, []).append(name)
        metadata = {"name": name, "labels": {RUN_LABEL: self._run_id}}
        apply(self._kube, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        apply(self._kube, self._secret(name))
        wait(self._kube, Ref("v1", "ServiceAccount", "default", name), exists())
        return name

    def of(self, owners: Iterable[str]) -> list[str]:
        """Return the namespaces that were created for these owners, deleted ones included."""
        return [name for owner in owners for name in self._owned.get(owner, ())]

    def delete(self, name: str) -> None:
        """Begin to delete a namespace; returns immediately."""
        thread = threading.Thread(
            target=self._delete, args=(name,), name=f"delete-{name}", daemon=True
        )
        self._deletions[name] = thread
        thread.start()

    def join(self) -> list[str]:
        """Wait for the deletions, as long as one may take; return what is still there."""
        deadline = time.monotonic() + self._deletion_timeout
        for name, thread in self._deletions.items():
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                self._failures.setdefault(name, "still there when the run ended")
        return [f"namespace {name}: {why}" for name, why in self._failures.items()]

    def _delete(self, name: str) -> None:
        try:
            namespace = Ref("v1", "Namespace", name)
            self._kube.delete(*namespace)
            wait(self._kube, namespace, deleted(), timeout=self._deletion_timeout)
        except Exception as error:  # a thread has nobody to raise to
            self._failures[name] = str(error).splitlines()[0]
