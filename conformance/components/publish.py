"""Putting what no upstream publishes into a registry, for machines that are to make nothing.

A part is an image of one layer with its files, tagged with its key: what another version of the
suite has put there is never taken for it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from conformance.common.errors import HarnessError
from conformance.components import upstream
from conformance.components.builder import Components
from conformance.components.catalogue import CATALOGUE, part
from conformance.components.parts import GoPart
from conformance.components.progress import Progress
from conformance.components.registries import Host
from conformance.components.ways import own_image
from conformance.oci.layout import Entry, Layout
from conformance.oci.login import credentials


def push(components: Components, host: Host, names: Sequence[str], progress: Progress) -> list[str]:
    """Push the parts called ``names``, by default what runs ask for and upstream has no image of.

    Returns the names of what was pushed. HarnessError: not in the cache, or the registry's words.
    """
    for name in names:
        if components.built_files(part(name)) is None:
            raise HarnessError(
                f"component {name} was not built on this machine",
                f"`stackspin-conformance components build --parts=build {name}` does so",
            )
    registry = host.client(credentials(host.address))
    pushed = []
    for name in names or filter(_is_asked_for, CATALOGUE):
        built = components.built_files(part(name))
        if built is None:
            continue
        key, files = built
        image = own_image(part(name), key)
        reference = f"{name}:{image.tag}"
        with progress.task(f"pushing {reference}"):
            if not registry.exists(reference):
                with tempfile.TemporaryDirectory(prefix="stackspin-conformance-") as folder:
                    layout = Path(folder, "layout")
                    _write(files, layout, reference)
                    registry.push_layout(layout, reference)
        pushed.append(name)
    return pushed


def _is_asked_for(name: str) -> bool:
    """Return whether upstream has no image of a part that is more than what another is made from.

    A program that has no image is used as such, whatever else it goes into.
    """
    if name in upstream.PROGRAMS or upstream.reference(name):
        return False
    if isinstance(part(name), GoPart) and f"image-{name}" not in CATALOGUE:
        return True
    return not any(name in one.inputs for one in CATALOGUE.values())


def _write(files: Path, layout: Path, reference: str) -> None:
    entries = []
    for path in sorted(files.rglob("*")):
        if path.is_symlink():
            raise HarnessError(f"{reference} has a link, {path.name}, and cannot be pushed")
        if path.is_file():
            mode = 0o755 if path.stat().st_mode & 0o111 else 0o644
            entries.append(Entry(f"/{path.relative_to(files).as_posix()}", path, mode))
    made = Layout(layout)
    made.add_files(entries)
    made.finish(reference)
