"""What benchmarks measure on: clusters of their own, gone afterwards whatever happens."""

from __future__ import annotations

import contextlib
import functools
import io
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.apps.image_builds import NOTES, VERSIONS, ImageBuilds, source_of
from conformance.clusters.embedded.blueprint import PARTS, PAUSE
from conformance.clusters.ownership.state import State
from conformance.clusters.select import make_cluster
from conformance.common.run_folder import run_folder
from conformance.common.settings import Settings
from conformance.components.builder import Components
from conformance.kube.client import Kube
from conformance.kube.conditions import exists
from conformance.kube.objects import Ref
from conformance.kube.wait import wait
from conformance.oci.registry import Registry
from conformance.platform.reference import levels

if TYPE_CHECKING:
    from conformance.apps.images import BuiltImage
    from conformance.clusters.base import Cluster

NODE_PARTS = (*PARTS, PAUSE)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return time.perf_counter() - self._began


class Lab:
    """A context manager: what it made is gone when it ends, Ctrl-C included."""

    def __init__(self, provider: str = "auto") -> None:
        settings = Settings(cluster=provider, docker="start")
        self.settings = replace(settings, cluster_name=f"bench-{settings.run_id}")
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def prepare(self) -> None:
        """Build what is missing, so that all that follows is measured with a warm cache."""
        self.components.require(
            *NODE_PARTS,
            *levels.images_for(levels.SINGLE_SIGN_ON, levels.BACKUPS),
            "image-debian",
        )

    @functools.cached_property
    def components(self) -> Components:
        """Parts for what is not measured: verified once."""
        components = Components(self.settings)
        self._exits.callback(components.close)
        return components

    @functools.cached_property
    def notes(self) -> BuiltImage:
        """The image of the reference app, built on first use; ask for it before the clock runs."""
        folder = self._exits.enter_context(run_folder(self.settings.cache_dir / "app-images"))
        builds = ImageBuilds(self.components, folder)
        self._exits.callback(builds.close)
        return builds.begin(source_of(NOTES), VERSIONS[0]).result()

    def new_components(self) -> Components:
        """Return parts of which none is verified yet: what a new run has to begin with."""
        return Components(self.settings)

    @contextlib.contextmanager
    def cluster(
        self, components: Components | None = None, provider: str | None = None
    ) -> Iterator[Cluster]:
        """Yield a cluster that is not started yet; it is deleted at the end."""
        settings = replace(self.settings, cluster=provider or self.settings.cluster)
        with contextlib.redirect_stdout(io.StringIO()):  # the choice is not news in each round
            made = make_cluster(settings, components or self.components)
        try:
            yield made
        finally:
            made.delete()
            self._empty_trash()

    @contextlib.contextmanager
    def running(self) -> Iterator[tuple[Cluster, Kube]]:
        """Yield a cluster whose node is Ready, and its client; pods can be made at once."""
        with self.cluster() as made:
            made.start()
            with self.client(made) as kube:
                wait(kube, Ref("v1", "ServiceAccount", "default", "default"), exists())
                yield made, kube

    @contextlib.contextmanager
    def client(self, cluster: Cluster) -> Iterator[Kube]:
        """Yield a client of a started cluster."""
        kube = Kube(cluster.kubeconfig, timeouts=self.settings.timeouts)
        try:
            yield kube
        finally:
            kube.close()

    def _empty_trash(self) -> None:
        """Wait until deleted clusters' files are gone: the next measurement wants the disk."""
        state = State(self.settings.state_dir)
        with state.locked():
            reaper = state.empty_trash()
        if reaper:
            reaper.wait()

    def free_disk(self) -> int:
        """Return the bytes that are free where clusters have their disks."""
        return shutil.disk_usage(self.settings.state_dir).free

    def push_notes(self, cluster: Cluster) -> str:
        """Put the app's image into the cluster's registry; return its reference."""
        reference = f"{self.notes.repository}:{self.notes.version}"
        assert cluster.registry is not None
        Registry(cluster.registry).push_layout(self.notes.layout, reference)
        return reference
