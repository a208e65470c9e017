"""``stackspin-conformance cluster push``: images for platforms that others install."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from conformance.clusters.existing import ExistingCluster
from conformance.common.errors import HarnessError
from conformance.common.settings import Settings
from conformance.components.builder import Components
from conformance.components.catalogue import part
from conformance.components.parts import ImagePart
from conformance.platform.reference.levels import BACKUPS, SINGLE_SIGN_ON, images_for

OF_A_STACKSPIN = (*images_for(SINGLE_SIGN_ON, BACKUPS), "image-mariadb")


def push_images(names: Sequence[str], kubeconfig: Path | None, context: str | None) -> None:
    """Put images into a cluster's registry, under the names that charts call them by."""
    wanted = tuple(names) or OF_A_STACKSPIN
    for name in wanted:
        if not isinstance(part(name), ImagePart):
            raise HarnessError(f"component {name} is not an image", "choose one called image-...")
    settings = Settings(kubeconfig=kubeconfig, context=context)
    cluster, components = ExistingCluster(settings), Components(settings)
    try:
        cluster.start()
        cluster.image_registry()  # without one, nothing is built for it
        components.require(*wanted)
        for name in wanted:
            reference = components.image_reference(name)
            cluster.push_image(components.image_layout(name), reference)
            print(reference)
    finally:
        components.close()
        cluster.delete()
