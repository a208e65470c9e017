"""Reference apps' images that were built beforehand: the suite's own image has them in its cache.

A pod cannot build images without rights that no test needs.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from conformance.components.recipe import hash_folder

BUILDER = "buildah"
"""What they were built by."""
_FOLDER = "built-app-images"
_KEY_LENGTH = 16


def layout(cache: Path, source: Path, version: str) -> Path:
    """Return where the OCI layout of an app's image is in a cache, if it is there."""
    return cache / _FOLDER / f"{hash_folder(source)[:_KEY_LENGTH]}-{version}"


def move_blobs_to_shared_folder(made: Path) -> None:
    """Move a layout's blobs to the folder with those of all others; a symbolic link leads there.

    Most are of one base image.
    """
    shared, own = made.parent / "blobs", made / "blobs"
    for blob in own.glob("sha256/*"):
        (shared / "sha256").mkdir(parents=True, exist_ok=True)
        blob.replace(shared / "sha256" / blob.name)
    shutil.rmtree(own)
    own.symlink_to(Path("..", shared.name))
