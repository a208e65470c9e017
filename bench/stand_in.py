"""``python -m bench.stand_in HOST:PORT``: our builds under upstream's names, for a machine without.

Fills a registry with what ``--parts=pull`` asks upstream's for, each registry below its own name.
It prints the options of a run that pulls from there. Everything must have been built before.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from conformance.common.settings import Settings
from conformance.components import publish, upstream
from conformance.components.builder import Components
from conformance.components.catalogue import part
from conformance.components.progress import Progress, make_progress
from conformance.components.registries import Host
from conformance.oci.layout import Entry, Layout
from conformance.oci.registry import Registry


def fill(address: str, components: Components, progress: Progress) -> list[str]:
    """Push everything to the registry at ``address``; return the options that name it."""
    registry = Registry(address)
    for name, reference in upstream.IMAGES.items():
        progress.say(f"{reference} is our {name}")
        registry.push_layout(components.image_layout(name), reference)
    for image in upstream.PROGRAM_IMAGES.values():
        with tempfile.TemporaryDirectory(prefix="stand-in-") as folder:
            progress.say(f"{image.reference} has our programs")
            made = Layout(Path(folder, "layout"))
            made.add_files(_programs(image.name, components))
            made.finish(image.reference)
            registry.push_layout(Path(folder, "layout"), image.reference)
    publish.push(components, Host.parse(f"{address}/own"), (), progress)
    registries = sorted({one.partition("/")[0] for one in upstream.references()})
    return [f"--mirror={one}={address}/{one}" for one in (*registries, "own")]


def _programs(image: str, components: Components) -> list[Entry]:
    found = {
        path: components.path(part(name).name) / program
        for name, programs in upstream.PROGRAMS.items()
        for program, (where, path) in programs.items()
        if where == image
    }
    return [Entry(path, source, 0o755) for path, source in found.items()]


if __name__ == "__main__":
    parts = Components(Settings(parts="build"))
    print(" ".join(fill(sys.argv[1], parts, make_progress())))
