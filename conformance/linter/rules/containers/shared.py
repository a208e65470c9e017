"""What several rules of the family containers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.linter.pods import Container, Pod


def lasting(pod: Pod) -> list[Container]:
    """Return the containers that stay, which init containers do not."""
    return [one for one in pod.containers if not one.init]
