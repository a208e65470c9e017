"""How an image is released."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from conformance.apps.images import BuiltImage, ImageTest
    from conformance.oci.registry import Registry


class Release(Protocol):
    """Pushes a built image for testing, tests it, and tags it for release."""

    def __call__(
        self, registry: Registry, image: BuiltImage, tests: Mapping[str, ImageTest]
    ) -> object:
        """Release an image. Raises what the first failing test raises."""


class BadImage(Exception):
    """A test's verdict on an image that must not be released."""
