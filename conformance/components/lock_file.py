"""The lock file: which bytes upstream's tags stood for when ``components lock`` asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conformance.components import upstream
from conformance.components.registries import Registries
from conformance.oci.reference import Reference

FILE = Path(__file__).parent / "images.lock.json"


def read(file: Path = FILE) -> dict[str, str]:
    """Return image -> digest. An image that is not there is pulled by its tag: unpinned."""
    locked: dict[str, str] = json.loads(file.read_text())
    return locked


def image(reference: str, locked: Mapping[str, str]) -> Reference:
    """Return what is asked for: by digest if there is one, else by tag."""
    return Reference.parse(f"{reference}@{locked[reference]}" if reference in locked else reference)


def images_of(name: str, locked: Mapping[str, str]) -> list[str]:
    """Return what a part is pulled from, for people; nothing where upstream has no image of it."""
    images = [image for image, _ in upstream.PROGRAMS.get(name, {}).values()] or [name]
    found = dict.fromkeys(upstream.reference(image) for image in images)
    return [one if one in locked else f"{one} (unpinned)" for one in found if one]


@dataclass(frozen=True)
class Change:
    """What became of one image's digest."""

    reference: str
    digest: str = ""
    """Empty where there is none: no registry gives the image, and it was not locked before."""
    changed: bool = False


def lock(registries: Registries, file: Path = FILE) -> list[Change]:
    """Ask for all images that are ever pulled, and write their digests.

    What no registry gives keeps the digest that it had. Raises HarnessError.
    """
    before = read(file)
    changes = []
    for reference in upstream.references():
        old = before.get(reference, "")
        new = registries.digest(Reference.parse(reference)) or old
        changes.append(Change(reference, new, new != old))
    digests = {one.reference: one.digest for one in changes if one.digest}
    file.write_text(json.dumps(digests, indent=1, sort_keys=True) + "\n")
    return changes
