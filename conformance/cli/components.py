"""``stackspin-conformance components``: what the suite is made of."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from conformance.common.arguments import CommandGroup
from conformance.common.errors import HarnessError
from conformance.common.settings import Settings
from conformance.components.builder import Components
from conformance.components.catalogue import CATALOGUE, part
from conformance.components.parts import ImagePart
from conformance.components.processes import Runner
from conformance.components.progress import make_progress
from conformance.components.recipe import Sources
from conformance.components.update import pin, proposals


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status. Raises HarnessError."""
    group = CommandGroup(
        "stackspin-conformance components",
        "List, build and update the pinned parts.",
    )
    group.add(list_parts, "list")
    group.add(build).add_argument(
        "names", metavar="NAME", nargs="*", help="parts to build; all of them by default"
    )
    group.add(update).add_argument(
        "choice", metavar="NAME@VERSION", nargs="?", help="the version to pin"
    )
    return group.main(arguments)


def _print(table: Table) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)  # one line for one part, for those who pipe it
    console.print(table)


def list_parts() -> None:
    """Show every part: version, how it is obtained, whether it is in the cache."""
    components = Components(Settings())
    table = Table(box=None, pad_edge=False)
    for title in ("component", "version", "origin", "cached", "from"):
        table.add_column(title, no_wrap=title != "from", overflow="fold")
    for one in CATALOGUE.values():
        cached = "yes" if components.is_present(one.name) else "no"
        where = f"{one.reference}, " if isinstance(one, ImagePart) else ""
        note = f" ({one.note})" if one.note else ""
        table.add_row(one.name, one.version, one.origin, cached, f"{where}{one.source}{note}")
    _print(table)


def build(names: Sequence[str]) -> None:
    """Build what is missing or damaged in the cache, so that later runs need no network."""
    wanted = names or list(CATALOGUE)
    components = Components(Settings())
    try:
        components.require(*wanted)
    finally:
        components.close()
    print(f"{len(wanted)} component{'s' if len(wanted) > 1 else ''} present and intact")


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
