"""Which of the suite's images a platform's files name.

They are pushed to the cluster's registry under upstream's names, so that a node without a way out
finds them. A file may have name and tag on different lines, so the name decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from conformance.components.catalogue import CATALOGUE
from conformance.components.parts import ImagePart, KindNode

_HUB = "docker.io/"
_OFFICIAL = f"{_HUB}library/"


def images_named(files: Iterable[bytes]) -> tuple[str, ...]:
    """Return the names of the components that are images of which files speak."""
    text = "\n".join(one.decode(errors="replace") for one in files)
    return tuple(
        name
        for name, part in CATALOGUE.items()
        if isinstance(part, ImagePart)
        and not isinstance(part, KindNode)
        and _pattern(part.reference.rpartition(":")[0]).search(text)
    )


def _pattern(repository: str) -> re.Pattern[str]:
    """Return what finds an image in any way that it can be written."""
    names = [repository]
    if repository.startswith(_HUB):
        names.append(repository.removeprefix(_HUB))
    found = "|".join(re.escape(one) for one in names)
    if repository.startswith(_OFFICIAL):  # one word, which may be an app's name, too
        word = re.escape(repository.removeprefix(_OFFICIAL))
        found += rf"|(?:image|repository): *[\"']?{word}"
    return re.compile(rf"(?<![\w./-])(?:{found})(?![\w/-])")
