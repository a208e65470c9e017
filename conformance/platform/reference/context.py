"""What every step of the installation needs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from conformance.clusters.base import Cluster
from conformance.common.settings import Settings
from conformance.components.builder import Components
from conformance.components.waiting import waiting_for_build
from conformance.kube.apply import apply_file
from conformance.kube.client import Kube
from conformance.kube.objects import Object
from conformance.platform.reference.content import flux_manifests
from conformance.platform.steps import Steps

_AT_A_TIME = 2
"""Images built, and images pushed, at the same time; more would compete for two cores."""


@dataclass
class Context:
    """One stack on one cluster."""

    settings: Settings
    cluster: Cluster
    kube: Kube
    components: Components
    root: Path
    say: Callable[[str], None]
    steps: Steps = field(default_factory=Steps)
    not_run: dict[str, str] = field(default_factory=dict)
    _building: threading.Semaphore = field(default_factory=partial(threading.Semaphore, _AT_A_TIME))
    _pushing: threading.Semaphore = field(default_factory=partial(threading.Semaphore, _AT_A_TIME))

    def image(self, name: str) -> Future[None]:
        """Begin to push a component's image to the cluster's registry."""
        what = f"image {name.removeprefix('image-')}"
        return self.steps.start(what, lambda: self._push(name), "image")

    def images(self, names: Iterable[str]) -> None:
        """Push several images, and the pause image that every pod needs."""
        for future in [self.image(name) for name in ("image-pause", *names)]:
            future.result()

    def bootstrap_file(self, name: str) -> Path:
        """Return the path of a manifest of fixtures/bootstrap."""
        return self.root / "fixtures" / "bootstrap" / name

    def apply_bootstrap(self, name: str, **variables: str) -> None:
        """Apply a manifest of fixtures/bootstrap."""
        apply_file(self.kube, self.bootstrap_file(name), **variables)

    def namespaces(self) -> None:
        """Create the platform's namespaces, once."""
        self.steps.run("namespaces", lambda: self.apply_bootstrap("namespaces.yaml"))

    def flux_manifests(self) -> list[Object]:
        """Return Flux's own manifests, rendered once."""
        return self.steps.run("flux manifests", lambda: flux_manifests(self.components))

    def _push(self, name: str) -> None:
        self.cluster.image_registry()  # without one, nothing is built for it
        if not self.components.is_present(name):
            with waiting_for_build(), self._building:
                self.components.require(name)
        with self._pushing:
            layout = self.components.image_layout(name)
            self.cluster.push_image(layout, self.components.image_reference(name))
