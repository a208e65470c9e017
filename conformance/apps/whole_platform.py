"""A whole Stackspin: all levels and both reference apps, as a snapshot has it."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from conformance.apps.catalogue import APPS
from conformance.apps.image_builds import VERSIONS, ImageBuilds, source_of
from conformance.apps.images import BASE_IMAGES
from conformance.clusters.snapshots.store import WITH_APPS
from conformance.common.run_folder import run_folder
from conformance.components.waiting import in_thread
from conformance.platform.reference import ReferenceStack
from conformance.platform.snapshots import PLATFORM, Kind, install_levels

if TYPE_CHECKING:
    from conformance.platform.site import Site, SiteMaker


def whole_platform(maker: SiteMaker) -> Kind:
    """Return what a snapshot with the reference apps is made of."""
    return Kind(WITH_APPS, lambda site: _install(maker, site), (*PLATFORM.components, *BASE_IMAGES))


def _install(maker: SiteMaker, site: Site) -> None:
    """Install the apps while the last levels are installed; their images are not tested."""
    stack = site.stack
    assert isinstance(stack, ReferenceStack)  # noqa: S101 - snapshots are of no other
    with (
        run_folder(maker.settings.cache_dir / "app-images") as folder,
        closing(ImageBuilds(maker.components, folder)) as builds,
    ):
        images = {name: builds.begin(source_of(name), VERSIONS[0]) for name in APPS}
        levels = in_thread("levels", lambda: install_levels(stack))

        def deliver(name: str) -> None:
            image = images[name].result()
            site.cluster.push_image(image.layout, f"{image.repository}:{image.version}")
            stack.app(name)

        apps = [in_thread(f"app {name}", partial(deliver, name)) for name in APPS]
        for each in (levels, *apps):
            each.result()
