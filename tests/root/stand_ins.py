"""A registry of this machine in the place of upstream's: our builds under upstream's names."""

from __future__ import annotations

from pathlib import Path

from conformance.components import publish, upstream
from conformance.components.builder import Components
from conformance.components.progress import make_progress
from conformance.components.registries import Host
from conformance.oci.layout import Entry, Layout
from conformance.oci.registry import Registry


def mirrors(registry: Registry) -> tuple[str, ...]:
    """Return the values of ``--mirror`` for which a registry stands in."""
    names = sorted({one.partition("/")[0] for one in upstream.references()})
    return tuple(f"{one}={registry.address}/{one}" for one in (*names, "own"))


def fill(registry: Registry, built: Components, folder: Path) -> None:
    """Push all that is ever pulled: images, images of programs, and what no upstream publishes.

    Each is where ``mirrors`` says: ``docker.io/library/x`` below ``docker.io`` of this registry.
    """
    for name, reference in upstream.IMAGES.items():
        registry.push_layout(built.image_layout(name), reference)
    for image in upstream.PROGRAM_IMAGES.values():
        entries = {
            path: Entry(path, built.path(part) / program, 0o755)
            for part, programs in upstream.PROGRAMS.items()
            for program, (where, path) in programs.items()
            if where == image.name
        }
        made = Layout(folder / image.name)
        made.add_files([entries[path] for path in sorted(entries)])
        made.finish(image.reference)
        registry.push_layout(folder / image.name, image.reference)
    publish.push(built, Host.parse(f"{registry.address}/own"), (), make_progress())
