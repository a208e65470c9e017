"""What each level of the installation consists of: Kustomizations and images.

A level beyond the platform is a folder of flux2/infrastructure/ that one commit adds to the root
kustomization.yaml; so a run that needs none of it never builds its parts.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.platform.reference.content import CONTROLLERS

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
)
BACKUPS = Level(
    name="backups",
    kustomizations=("object-store-secrets", "object-store", "velero"),
    images=("image-seaweedfs", "image-velero", "image-velero-plugin-for-aws"),
)


def images_for(*levels: Level) -> tuple[str, ...]:
    """Return every image of the platform with these levels on it, in the order of their use."""
    return (
        *BOOTSTRAP_IMAGES,
        *FLUX_IMAGES,
        *PLATFORM.images,
        *(image for level in levels for image in level.images),
    )
