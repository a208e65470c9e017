"""Objects of a kind that are other than was written: an admission policy alters them on their way.

For twins. https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.services.velero import COMPLETED, FINAL
from conformance.suite.admission import ANYWHERE, enforced

if TYPE_CHECKING:
    from conformance.kube.client import Kube

POLICY = Path(__file__).with_suffix(".yaml")
NAME = "twin"
MADE = 'request.operation == "CREATE"'
"""In an expression of a policy: the object is new."""
_FAILED = tuple(phase for phase in FINAL if phase != COMPLETED)
"""Phases of one of Velero's backups or restores that did not succeed."""


@contextmanager
def altered(kube: Kube, objects: str, when: str, field: str, value: object) -> Iterator[None]:
    """Within the body, a field of objects has another value than was written.

    ``objects`` is a resource with its API group, ``when`` an expression (CEL) that says of which
    ``object``, ``field`` a JSON pointer. Raises AssertionError if the policy comes too late.
    """
    with computed(kube, objects, when, field, json.dumps(value)):
        yield


@contextmanager
def computed(kube: Kube, objects: str, when: str, field: str, value: str) -> Iterator[None]:
    """The same, and ``value`` is an expression (CEL), too."""
    resource, _, group = objects.partition(".")
    meant = {"group": group, "resource": resource, "when": when, "field": field, "value": value}
    with enforced(kube, POLICY, NAME, lambda: _in_effect(kube), **meant):
        yield


@contextmanager
def called_completed(kube: Kube, kind: str) -> Iterator[None]:
    """Within the body, Velero calls each of its objects of a kind, which has a phase, Completed."""
    with altered(kube, f"{kind}.velero.io", in_phase(*_FAILED), "/status/phase", COMPLETED):
        yield


@contextmanager
def called_available(kube: Kube) -> Iterator[None]:
    """Within the body, Velero calls each location Available."""
    locations, when = "backupstoragelocations.velero.io", in_phase("Unavailable")
    with altered(kube, locations, when, "/status/phase", "Available"):
        yield


def in_phase(*phases: str) -> str:
    """Return the expression: the object is in one of these phases."""
    return f"has(object.status) && has(object.status.phase) && object.status.phase in {[*phases]}"


def _in_effect(kube: Kube) -> bool:
    return "data" in kube.patch("v1", "ConfigMap", NAME, ANYWHERE, {"data": None})
