"""Files out of an image layout that nobody trusts, written where the caller says and nowhere else.

No name out of a layer is ever a path on this disk but below a folder made for it, and links are
left out: see ``layers.py`` for what else is bounded.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from conformance.common.errors import HarnessError
from conformance.oci.layers import (
    OPAQUE,
    WHITEOUT,
    LayerFile,
    LayerRefused,
    Limits,
    read_layers,
)

_LIMITS = Limits(seconds=900.0)
"""A node image of kind has 1 GB, which takes 10 s to unpack on an idle machine."""
_MERGED = ("bin", "sbin", "lib")
"""Folders that are links to those below /usr in most distributions, but not in all."""


def extract_programs(layout: Path, wanted: Mapping[str, str], folder: Path) -> None:
    """Write files of a layout's image into ``folder``, executable, as a container would see them.

    ``wanted`` is name in the folder -> path in the image; /bin and /usr/bin count as one folder.
    HarnessError when the image has not all of them, or is refused.
    """
    targets = {_merged(PurePosixPath(path.lstrip("/"))): name for name, path in wanted.items()}
    layer_of: dict[str, int] = {}
    with _refusing(layout):
        for file in read_layers(_layers(layout), _LIMITS):
            path = _merged(file.path)
            if name := targets.get(path):
                _write(file, folder / name)
                (folder / name).chmod(0o755)
                layer_of[name] = file.layer
            elif path.name.startswith(WHITEOUT):
                for hidden in _hidden(path, targets):
                    if layer_of.get(hidden, file.layer) < file.layer:
                        (folder / hidden).unlink()
                        del layer_of[hidden]
    if missing := [path for name, path in wanted.items() if name not in layer_of]:
        raise HarnessError(f"the image {_name(layout)} has no {', '.join(missing)}")


def extract_all(layout: Path, folder: Path) -> None:
    """Write all regular files of a layout's image below ``folder``. HarnessError when refused."""
    with _refusing(layout):
        for file in read_layers(_layers(layout), _LIMITS):
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            _write(file, target)
            target.chmod(0o755 if file.executable else 0o644)


def _hidden(whiteout: PurePosixPath, targets: Mapping[PurePosixPath, str]) -> list[str]:
    """Return the names of those ``targets`` that a whiteout takes away from lower layers."""
    gone = whiteout.parent
    if whiteout.name != OPAQUE:
        gone /= whiteout.name.removeprefix(WHITEOUT)
    return [name for path, name in targets.items() if path.is_relative_to(gone)]


def _write(file: LayerFile, target: Path) -> None:
    with target.open("wb") as output:
        for chunk in file.chunks:
            output.write(chunk)


def _merged(path: PurePosixPath) -> PurePosixPath:
    return PurePosixPath("usr") / path if path.parts[:1] and path.parts[0] in _MERGED else path


def _described(layout: Path) -> dict[str, object]:
    (described,) = json.loads((layout / "index.json").read_text())["manifests"]
    return dict(described)


def _name(layout: Path) -> str:
    annotations = _described(layout)["annotations"]
    return str(dict(annotations)["io.containerd.image.name"])  # type: ignore[call-overload]


def _layers(layout: Path) -> Iterator[BinaryIO]:
    blobs = layout / "blobs" / "sha256"
    digest = str(_described(layout)["digest"]).removeprefix("sha256:")
    for layer in json.loads((blobs / digest).read_text())["layers"]:
        with (blobs / layer["digest"].removeprefix("sha256:")).open("rb") as blob:
            yield blob


@contextlib.contextmanager
def _refusing(layout: Path) -> Iterator[None]:
    try:
        yield
    except (LayerRefused, OSError) as error:
        raise HarnessError(f"the image {_name(layout)} cannot be read: {error}") from error
