"""A defect of twins in the API server itself: an admission policy, with an effect for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.common.soon import soon
from conformance.kube.apply import apply_file
from conformance.kube.inventory import ref_of

if TYPE_CHECKING:
    from conformance.kube.client import Kube

ANYWHERE = "default"
"""Namespace of the object that shows whether a policy has an effect."""
_GROUP = "admissionregistration.k8s.io/"


@contextmanager
def enforced(
    kube: Kube, file: Path, name: str, in_effect: Callable[[], bool], **variables: str
) -> Iterator[None]:
    """Within the body, the admission policy in a file has an effect.

    The file has the policy, its binding, and an object in ``ANYWHERE`` at which ``in_effect`` sees
    whether the policy has an effect; all are called ``$name``. The API server takes a moment to
    notice policies. Raises AssertionError if that takes longer than ``timeouts.admission``.
    """
    made = apply_file(kube, file, name=name, namespace=ANYWHERE, **variables)
    policy = [item for item in made if item["apiVersion"].startswith(_GROUP)]
    within = kube.timeouts.admission
    try:
        if not soon(in_effect, within=within):
            raise AssertionError("the policy has no effect")
        yield
    finally:
        for item in reversed(policy):
            kube.delete(*ref_of(item))
        if not soon(lambda: not in_effect(), within=within):
            raise AssertionError("the policy still has an effect")
        for item in made:
            kube.delete(*ref_of(item))
