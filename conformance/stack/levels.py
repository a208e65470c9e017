"""What each level consists of: Kustomizations, images, and the capabilities that need it.

A level beyond the platform is a folder of flux2/infrastructure/ that one commit adds to the root
kustomization.yaml; so a run that needs none of it never builds its parts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.stack.content import CONTROLLERS

BOOTSTRAP_IMAGES = ("image-pause", "image-git-server", "image-coredns")
FLUX_IMAGES = tuple(f"image-{name}" for name in CONTROLLERS)


@dataclass(frozen=True)
class Level:
    """A group of infrastructure; its images are in the order in which they are built."""

    name: str
    kustomizations: tuple[str, ...]
    """In flux-system; Ready when the level is installed."""
    images: tuple[str, ...]
    """Components that its pods run."""
    capabilities: frozenset[str] = frozenset()
    """Capabilities whose checks need it."""

    @property
    def entry(self) -> str:
        """Its line in the root kustomization.yaml."""
        return f"infrastructure/{self.name}"


PLATFORM = Level(
    name="platform",
    kustomizations=(
        "flux",
        "local-path-provisioner",
        "nginx",
        "operator",
    ),
    images=(
        "image-operator",
        "image-traefik",
        "image-local-path-provisioner",
        "image-local-path-helper",
    ),
)
"""Always in the root kustomization.yaml, so its entry is not used."""
SINGLE_SIGN_ON = Level(
    name="single-sign-on",
    kustomizations=(
        "single-sign-on-secrets",
        "mail",
        "single-sign-on",
        "dashboard",
    ),
    images=(
        "image-postgresql",
        "image-kratos",
        "image-hydra",
        "image-mailpit",
        "image-dashboard",
    ),
    capabilities=frozenset(
        {"chart_deployment", "auto_update", "single_sign_on", "update_pipeline", "dashboard"}
    ),
)
BACKUPS = Level(
    name="backups",
    kustomizations=("object-store-secrets", "object-store", "velero"),
    images=("image-seaweedfs", "image-velero", "image-velero-plugin-for-aws"),
    capabilities=frozenset({"backup_restore", "dashboard"}),
)


def images_for(capabilities: Iterable[str]) -> tuple[str, ...]:
    """Return the images that the stack needs for the checks of these capabilities, in order."""
    selected = frozenset(capabilities)
    levels = [level for level in (SINGLE_SIGN_ON, BACKUPS) if level.capabilities & selected]
    return (
        *BOOTSTRAP_IMAGES,
        *FLUX_IMAGES,
        *PLATFORM.images,
        *(image for level in levels for image in level.images),
    )
