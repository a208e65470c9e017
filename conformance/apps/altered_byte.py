"""One byte of an app's test data altered, and the proof that comparisons see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apps import tree

if TYPE_CHECKING:
    from conformance.apps.base import App, Instance, Seed, Volume


def alter(instance: Instance, volume: Volume, seed: Seed) -> str:
    """Invert a byte of the largest file in a volume, and return its path in the container.

    A second time restores it.
    """
    files = seed.files[volume.mount_path]
    path = f"{volume.mount_path}/{max(files, key=lambda name: files[name].size)}"
    tree.alter(instance.holding(volume).run, path)
    return path


def prove_comparison(app: App, instance: Instance, seed: Seed) -> None:
    """Raise AssertionError if one altered byte in one of the app's volumes goes unnoticed.

    Comparisons with the test data would prove nothing then. Nothing stays altered.
    """
    for volume in app.volumes:
        path = alter(instance, volume, seed)
        try:
            app.verify(instance, seed)
        except tree.DataDiffers as error:
            if "sha256" not in str(error):
                raise
        else:
            raise AssertionError(f"an altered byte in {path} goes unnoticed")
        alter(instance, volume, seed)
