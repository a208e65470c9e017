"""What a package brings for its app that neither a registry nor the chart has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import model_validator

from conformance.apps.package.model.texts import Part, Place, Text
from conformance.formats.reading import refused


class Image(Part):
    """An image that no registry has, under the name that the package uses."""

    image: Text
    """Its name, as in `docker.io/stackspin/miniflux:2.3.5`."""
    context: Place | None = None
    """A folder with a Dockerfile to build it from, relative to this file."""
    archive: Place | None = None
    """A file with the image in it (OCI or docker archive), relative to this file."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.context is None) == (self.archive is None):
            both = "both context and archive" if self.context else "neither context nor archive"
            raise refused(
                f"image {self.image} has {both}",
                "Give it a context (a folder with a Dockerfile) or an archive, one of the two.",
            )
        return self


class Chart(Part):
    """A chart of a HelmRepository or an OCI registry, and what is used in its place."""

    chart: Text
    """Its name in the HelmRelease."""
    path: Place
    """The folder or `.tgz` that is used in its place, relative to this file."""


class Secret(Part):
    """A Secret that an operator makes by hand before."""

    name: Text
    """Its name in the app's namespace."""
    data: Mapping[str, str]
    """Its keys and values; `${generated}` is a random word, another one for each key."""
