"""``stackspin-conformance components``: what the suite is made of."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from conformance.clusters.snapshots.store import SnapshotStore
from conformance.common.arguments import CommandGroup
from conformance.common.disk_space import size
from conformance.common.errors import HarnessError
from conformance.common.options import add_argument, read
from conformance.common.settings import Settings
from conformance.components import bundle, lock_file, publish
from conformance.components.builder import Components
from conformance.components.catalogue import CATALOGUE, part
from conformance.components.parts import ImagePart
from conformance.components.processes import Runner
from conformance.components.progress import make_progress
from conformance.components.prune import disk_usage
from conformance.components.recipe import Sources
from conformance.components.registries import Host, Registries
from conformance.components.store import Store
from conformance.components.update import pin, proposals
from conformance.components.ways import Ways


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status. Raises HarnessError."""
    group = CommandGroup(
        "stackspin-conformance components",
        "List, obtain, pin and share the parts that the suite runs.",
    )
    group.add(list_parts, "list")
    building = group.add(build)
    building.add_argument(
        "names", metavar="NAME", nargs="*", help="parts to obtain; all of them by default"
    )
    add_argument(building, Settings, "parts", default=None)
    add_argument(building, Settings, "mirror", action="append", default=[])
    exporting = group.add(export_parts, "export")
    exporting.add_argument("file", metavar="FILE", type=Path, help="such as parts.tar.zst")
    exporting.add_argument(
        "names", metavar="NAME", nargs="*", help="parts to write; by default all in the cache"
    )
    group.add(import_parts, "import").add_argument("file", metavar="FILE", type=Path)
    add_argument(group.add(lock), Settings, "mirror", action="append", default=[])
    pushing = group.add(push)
    pushing.add_argument("host", metavar="HOST[/PREFIX]", help="what --mirror=own= will name")
    pushing.add_argument(
        "names", metavar="NAME", nargs="*", help="parts to push; by default what runs ask for"
    )
    group.add(prune_cache, "prune")
    group.add(update).add_argument(
        "choice", metavar="NAME@VERSION", nargs="?", help="the version to pin"
    )
    return group.main(arguments)


def _print(table: Table) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)  # one line for one part, for those who pipe it
    console.print(table)


def settings_of(parts: str | None = None, mirror: Sequence[str] = ()) -> dict[str, Any]:
    """Return the settings that say how parts are obtained: as given, else from the environment."""
    given = {"parts": parts, "mirror": mirror}
    try:
        found = read(Settings, given.get, os.environ)
    except ValueError as error:
        raise HarnessError(str(error)) from None
    return {name: found[name] for name in given if name in found}


def list_parts() -> None:
    """Show every part: its version, how it is obtained, whether it is in the cache."""
    components = Components(Settings())
    digests = lock_file.read()
    table = Table(box=None, pad_edge=False)
    for title in ("component", "version", "origin", "cached", "from"):
        table.add_column(title, no_wrap=title != "from", overflow="fold")
    for one in CATALOGUE.values():
        cached = components.is_present(one.name)
        told = components.describe_part(one.name)
        images = [] if cached else lock_file.images_of(one.name, digests)
        where = [one.reference] if isinstance(one, ImagePart) else []
        note = f" ({told['note']})" if told["note"] else ""
        text = f"{', '.join((*where, told['source']))}{note}"
        if images:
            text += f"; or pulled: {', '.join(images)}"
        table.add_row(one.name, told["version"], told["origin"], "yes" if cached else "no", text)
    _print(table)


def build(names: Sequence[str], parts: str | None, mirror: Sequence[str]) -> None:
    """Obtain what is missing or damaged in the cache, so that later runs need no network."""
    wanted = names or list(CATALOGUE)
    components = Components(Settings(**settings_of(parts, mirror)))
    try:
        components.require(*wanted)
    finally:
        components.close()
    print(f"{len(wanted)} component{'s' if len(wanted) > 1 else ''} present and intact")


def export_parts(file: Path, names: Sequence[str]) -> None:
    """Write parts of the cache to a file, for `components import` on another machine.

    It is a tar archive, compressed by zstd. Without names it has all parts of this version that
    are there; what is missing is not obtained.
    """
    store = Store(Settings().cache_dir)
    ways = _ways(store)
    cached = {name: ways.cached(part(name)) for name in names or CATALOGUE}
    if lost := [name for name in names if cached[name] is None]:
        raise HarnessError(
            f"not in the cache: {', '.join(lost)}",
            f"`stackspin-conformance components build {' '.join(lost)}` obtains that",
        )
    there = [(name, way.key) for name, way in cached.items() if way]
    if not there:
        raise HarnessError("the cache has no parts", "`components build` obtains them")
    with make_progress().task(f"writing {len(there)} parts to {file}"):
        count = bundle.write(store, there, file)
    print(f"{file} has {len(there)} parts: {size(count)}")


def import_parts(file: Path) -> None:
    """Put parts from a file of `components export` into the cache.

    Every file's hash is verified, and nothing is put there unless all of the archive is right. The
    hashes are in the archive: take one only from where you would take programs from.
    """
    store = Store(Settings().cache_dir)
    ways = _ways(store)
    with make_progress().task(f"reading {file}"):
        result = bundle.read(
            store, file, lambda name, key: name in CATALOGUE and key in ways.keys(part(name))
        )
    print(f"{len(result.added)} parts were put into the cache, {len(result.there)} were there")
    if result.unknown:
        print(f"not imported, as this version has others: {', '.join(result.unknown)}")


def _ways(store: Store) -> Ways:
    settings = Settings(**settings_of())
    registries = Registries((), make_progress().say)  # none is asked for what is in the cache
    return Ways(settings.parts, store, Sources(), registries, lock_file.read())


def lock(mirror: Sequence[str]) -> None:
    """Pin the images that are pulled to the bytes that their tags stand for now."""
    registries = Registries(settings_of(mirror=mirror).get("mirror", ()), make_progress().say)
    changes = lock_file.lock(registries)
    for one in changes:
        if one.changed or not one.digest:
            print(f"{one.reference}: {one.digest or 'no registry gives it; unpinned'}")
    pinned = sum(bool(one.digest) for one in changes)
    new = sum(one.changed for one in changes)
    print(f"{pinned} of {len(changes)} images are pinned, {new} of them changed: {lock_file.FILE}")


def push(host: str, names: Sequence[str]) -> None:
    """Put parts that no upstream publishes into a registry, for other machines."""
    components = Components(Settings())
    pushed = publish.push(components, Host.parse(host), names, make_progress())
    print(f"{len(pushed)} parts are at {host}: use them with --mirror=own={host}")


def prune_cache() -> None:
    """Remove what the cache holds and no run needs.

    It removes Go's modules and compiled packages, without which a later build takes minutes longer;
    parts of other versions of the suite that no run has used for 30 days; second copies of the same
    file; and snapshots: those that no run has used for a week, those too old to be used, and of
    each kind all but the two that were used last. A run that has built the last part removes all
    of that but snapshots, too.

    It keeps parts, the layers of image builds, which every run uses, logs of builds that failed,
    and what another process uses.
    """
    settings = Settings()
    sizes: dict[str, int] = {}
    for one in Components(settings).prune():
        sizes[one.what] = sizes.get(one.what, 0) + one.size
    for what, count in sizes.items():
        print(f"removed {what}: {size(count)}")
    for name in SnapshotStore(settings.cache_dir).prune():
        print(f"removed snapshot {name}")
    print(f"{settings.cache_dir} has {size(disk_usage(settings.cache_dir))} now")


def update(choice: str | None) -> None:
    """Show versions newer than the pinned ones, or pin one."""
    settings = Settings()
    with tempfile.TemporaryDirectory(prefix="stackspin-conformance-") as folder:
        scratch = Path(folder)
        if choice is None:
            _show_proposals(scratch, settings)
            return
        name, _, version = choice.partition("@")
        part(name)
        if not version:
            raise HarnessError(
                f"{choice!r} names no version", f"say which: components update {name}@VERSION"
            )
        with make_progress().task(f"pinning {name} {version}") as task:
            pin(
                name,
                version,
                wrappers=Sources().wrappers,
                scratch=scratch,
                cache=settings.cache_dir,
                runner=Runner(),
                line=task.show,
            )
    print(
        f"{name} is pinned at {version}; next: `stackspin-conformance components build {name}`, "
        "the checks, and a commit of conformance/components"
    )


def _show_proposals(scratch: Path, settings: Settings) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("component", "pinned", "same series", "newest", ""):
        table.add_column(title, no_wrap=True)
    with make_progress().task("asking for newer versions"):
        found = proposals(scratch, settings.cache_dir, Runner())
    for one in found:
        table.add_row(one.name, one.pinned, one.patch or "-", one.newest or "-", one.problem)
    _print(table)
