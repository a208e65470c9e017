"""Images that no registry has: built or unpacked, and pushed under the names that charts use."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.apps import images
from conformance.apps.docker_engine import write_layout
from conformance.apps.package.given import GivenApp
from conformance.common import course
from conformance.common.course import Step
from conformance.common.errors import HarnessError
from conformance.components.processes import Runner
from conformance.components.waiting import submit
from conformance.linter.reading.description import located
from conformance.oci.reference import Reference
from conformance.oci.registry import Registry

if TYPE_CHECKING:
    from conformance.apps.package.model.brought import Image
    from conformance.components.builder import Components

_DOCKER_HUB = "docker.io"
_MOST_BYTES = 4 * 1024**3
"""Bytes of an archive's files together."""


def _building(given: GivenApp) -> Step:
    return Step("app image", f"images of {given.name}")


class PackageImages:
    """The images of a run's packages.

    They are built in a background thread, one at a time, as they share the builder's storage; and
    each package's once, however many capabilities install it.
    """

    def __init__(self, components: Components, folder: Path) -> None:
        """``folder`` is for what is built until it is pushed."""
        self._components = components
        self._folder = folder
        self._runner = Runner()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="package-images")
        self._built: dict[str, Future[dict[str, Path]]] = {}

    def begin(self, given: GivenApp) -> Future[dict[str, Path]]:
        """Queue the images that a package describes, once; returns at once."""
        if given.name not in self._built:
            build = partial(self._build, given, self._folder / f"package-{len(self._built)}")
            self._built[given.name] = submit(self._executor, build, _building(given))
        return self._built[given.name]

    def push(self, given: GivenApp, registry: Registry) -> list[str]:
        """Push them, once, when they are built; return those by whose names there were others.

        Raises HarnessError, DescriptionError, CommandFailedError with the builder's output.
        """
        moved = []
        for reference, layout in self.begin(given).result().items():
            if layout.exists():
                before = registry.digest(reference) if registry.exists(reference) else None
                if registry.push_layout(layout, reference) != before and before is not None:
                    moved.append(reference)
                shutil.rmtree(layout)
        return moved

    def close(self) -> None:
        """Kill what is being built and wait for its end."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._runner.stop()
        self._executor.shutdown()

    def _build(self, given: GivenApp, folder: Path) -> dict[str, Path]:
        """Return the images as OCI layouts, by their full names."""
        with course.taking(_building(given)):
            return self._write_layouts(given, folder)

    def _write_layouts(self, given: GivenApp, folder: Path) -> dict[str, Path]:
        folder.mkdir()
        layouts = {}
        for number, one in enumerate(given.description.images):
            layout = layouts[full_name(one.image)] = folder / f"image-{number}"
            self._write_layout(one, given, layout)
        return layouts

    def _write_layout(self, one: Image, given: GivenApp, output: Path) -> None:
        file, reference = given.description_file, full_name(one.image)
        if file is None:  # an image is only known from the description
            raise HarnessError(f"image {one.image} is described nowhere")
        if one.archive is not None:
            unpacked(located(one.archive, file, given.root), reference, output)
            return
        named = Reference.parse(reference)
        context = located(str(one.context), file, given.root)
        images.build(
            context,
            named.repository,
            str(named.tag),
            self._components,
            output,
            runner=self._runner,
        )


def full_name(image: str) -> str:
    """Return an image's name with its registry and tag, as the node asks for it.

    https://github.com/distribution/reference: what has no dot, colon or "localhost" in its first
    part is at Docker Hub.
    """
    named = Reference.parse(image)
    first, slash, _ = named.repository.partition("/")
    repository = named.repository
    if not slash:
        repository = f"{_DOCKER_HUB}/library/{repository}"
    elif not ("." in first or ":" in first or first == "localhost"):
        repository = f"{_DOCKER_HUB}/{repository}"
    return f"{repository}:{named.tag or 'latest'}"


def unpacked(archive: Path, reference: str, output: Path) -> None:
    """Write the image of an OCI or docker archive as an OCI layout. Raises HarnessError."""
    fix = "make it with docker save or skopeo copy ... oci-archive:FILE"
    content = output.with_name(f"{output.name}-archive")
    content.mkdir(parents=True)
    try:
        with tarfile.open(archive) as packed:
            if sum(member.size for member in packed) > _MOST_BYTES:
                raise HarnessError(f"{archive.name} unpacks to more than 4 GiB", fix)
            packed.extractall(content, filter="data")
        writer = _writer_of(content)
        if writer is None:
            raise HarnessError(f"{archive.name} is no OCI or docker archive", fix)
        writer(content, reference, output)
    except (tarfile.TarError, OSError, ValueError, KeyError) as error:
        raise HarnessError(f"{archive.name} cannot be read as an image: {error}", fix) from error
    finally:
        shutil.rmtree(content, ignore_errors=True)


def _writer_of(content: Path) -> Callable[[Path, str, Path], None] | None:
    if (content / "index.json").is_file():
        return _copy_layout
    return write_layout if (content / "manifest.json").is_file() else None


def _copy_layout(content: Path, reference: str, output: Path) -> None:
    """Keep the first image of a layout, under the wanted name."""
    shutil.move(content, output)
    index = json.loads((output / "index.json").read_text())
    first = index["manifests"][0]
    first["annotations"] = {
        "org.opencontainers.image.ref.name": str(Reference.parse(reference).tag)
    }
    (output / "index.json").write_text(json.dumps({**index, "manifests": [first]}))
