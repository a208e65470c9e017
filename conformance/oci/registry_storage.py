"""The files in which a registry keeps its blobs: those of the CNCF's distribution.

Its paths are in registry/storage/paths.go of github.com/distribution/distribution.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from conformance.oci.reference import Reference
from conformance.oci.registry import blob_of, manifest_of


def place_blobs(layout: Path, reference: str, root: Path) -> None:
    """Put the blobs of a layout's image where the registry with this root folder finds them.

    A push to that registry then sends the manifest alone. Nobody compares the blobs with their
    digests, as the registry does with what it is sent: only for layouts that are verified. Can be
    done while the registry runs, and by several at a time.
    """
    wanted = Reference.parse(reference)
    kept = root / "docker" / "registry" / "v2"
    layers = kept / "repositories" / wanted.repository / "_layers"
    manifest = json.loads(blob_of(layout, manifest_of(layout, wanted)["digest"]).read_bytes())
    for described in (manifest["config"], *manifest["layers"]):
        digest = str(described["digest"])
        algorithm, _, value = digest.partition(":")
        data = kept / "blobs" / algorithm / value[:2] / value / "data"
        _have(data, blob_of(layout, digest))
        link = layers / algorithm / value / "link"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.write_text(digest, encoding="ascii")


def _have(target: Path, source: Path) -> None:
    """Have a blob at a second place: by a hard link, on another file system as a copy.

    A registry writes a blob elsewhere and gives it its name at the end, so it never changes one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except FileExistsError:
        return
    except OSError:
        number, name = tempfile.mkstemp(dir=target.parent)
        os.close(number)
        shutil.copyfile(source, name)
        Path(name).replace(target)
