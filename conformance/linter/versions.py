"""The versions of Flux and Kubernetes that a package is judged for."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass

from conformance.common.pins import pin

Minor = tuple[int, int]
"""Major and minor version."""
FLUX: Minor = (2, 7)
"""The Flux whose controllers are pinned: ``pins.json`` has each of them, but no Flux."""
PRODUCT = "Kubernetes"
"""The product that an API group belongs to, if it is nobody else's."""
_FORM = re.compile(r"v?([0-9]{1,4})\.([0-9]{1,4})(?:\.[0-9]{1,4})?")


@dataclass(frozen=True)
class Versions:
    """What ``--flux`` and ``--kubernetes`` ask for; None: what this suite pins."""

    flux: Minor | None = None
    kubernetes: Minor | None = None

    def of(self, product: str) -> Minor | None:
        """Return a product's version by its name; None: what else is pinned, and not chosen."""
        if product == "Flux":
            return self.flux or FLUX
        if product == PRODUCT:
            return self.kubernetes or minor(pin("kubernetes").version)
        return None

    @property
    def kubernetes_release(self) -> str:
        """Kubernetes' version with all three numbers, as a chart's ``kubeVersion`` means it."""
        if self.kubernetes is None:
            return pin("kubernetes").version
        return f"v{self.kubernetes[0]}.{self.kubernetes[1]}.0"


PINNED = Versions()


def minor(text: str) -> Minor:
    """Return the major and minor version of ``2.8``, ``v1.36.3``. Raises ArgumentTypeError."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f'"{text}" is not a version such as 2.8')
    return int(match[1]), int(match[2])


def dotted(version: Minor) -> str:
    """Return a version as it is written: ``2.8``."""
    return ".".join(map(str, version))
