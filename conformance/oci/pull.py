"""Pulling an image into an OCI image layout: nothing of it is believed that is not verified.

A manifest is what its digest says, and so is each blob; sizes and numbers are bounded. Sources: OCI
image specification v1.1 (image-index.md, manifest.md), Docker's image manifest version 2, schema 2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conformance.common.architecture import architecture
from conformance.common.errors import HarnessError
from conformance.oci.layers import CHUNK_BYTES
from conformance.oci.layout import write_index
from conformance.oci.reference import Reference, digest_of
from conformance.oci.registry import Registry

MAX_LAYERS = 128
MAX_BYTES = 4 * 1024**3
"""Of all blobs, as they are sent; a node image of kind has about 1 GB."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_IMAGES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_FOREIGN = ("nondistributable", "foreign")
"""In the media types of layers that are fetched from elsewhere."""


def pull_image(
    registry: Registry,
    wanted: Reference,
    reference: str,
    folder: Path,
    say: Callable[[str], None] = lambda _: None,
) -> str:
    """Write the image for this machine into the layout ``folder``, under the name ``reference``.

    ``say`` is told how much has come. Returns the digest that ``wanted`` stands for: of the index,
    where there is one. HarnessError when something is not as it has to be,
    RegistryTroubleError when the registry breaks off.
    """
    content, media_type = registry.manifest(wanted)
    pinned = digest_of(content)
    manifest = _parsed(content, wanted)
    if "manifests" in manifest:
        chosen = Reference(wanted.repository, None, _for_this_machine(manifest, wanted))
        content, media_type = registry.manifest(chosen)
        manifest = _parsed(content, chosen)
    blobs = _blobs(manifest, wanted)
    target = folder / "blobs" / "sha256"
    target.mkdir(parents=True)
    total = sum(blobs.values())
    done = 0
    for digest, size in blobs.items():
        path = target / digest.removeprefix("sha256:")
        with registry.blob(wanted.repository, digest) as blob, path.open("wb") as file:
            while chunk := blob.read(CHUNK_BYTES):
                done += len(chunk)
                if file.tell() + len(chunk) > size:
                    raise HarnessError(f"{wanted.repository}: {digest} has more than {size} bytes")
                file.write(chunk)
                say(f"{done >> 20} of {total >> 20} MiB")
    config = _parsed((target / next(iter(blobs)).removeprefix("sha256:")).read_bytes(), wanted)
    if config.get("architecture", architecture()) != architecture():
        raise _refused(wanted, f"it is for {config['architecture']}, not {architecture()}")
    (target / digest_of(content).removeprefix("sha256:")).write_bytes(content)
    media_type = manifest.get("mediaType", media_type)
    described = {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}
    write_index(folder, reference, described)
    return pinned


def _parsed(content: bytes, wanted: Reference) -> dict[str, Any]:
    try:
        manifest = json.loads(content)
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict):
        raise _refused(wanted, "its manifest or configuration is not a JSON object")
    return manifest


def _for_this_machine(index: dict[str, Any], wanted: Reference) -> str:
    """Return the digest of the index's image for Linux on this machine's processor."""
    platforms = []
    for entry in index["manifests"]:
        try:
            platform = entry.get("platform") or {}
            name = f"{platform.get('os')}/{platform.get('architecture')}"
            if name == f"linux/{architecture()}" and entry["mediaType"] in _IMAGES:
                return str(entry["digest"])
            platforms.append(name)
        except (AttributeError, KeyError, TypeError):
            raise _refused(wanted, "its index of platforms is not valid") from None
    there = ", ".join(sorted(set(platforms) - {"unknown/unknown"})) or "nothing"
    raise _refused(wanted, f"there is none for linux/{architecture()}, but for {there}")


def _blobs(manifest: dict[str, Any], wanted: Reference) -> dict[str, int]:
    """Return digest and size in bytes of each blob, the configuration first."""
    try:
        described = [manifest["config"], *manifest["layers"]]
        sizes = {str(one["digest"]): int(one["size"]) for one in described}
        media_types = [str(one.get("mediaType")) for one in described]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _refused(wanted, "its manifest is not one of an image") from None
    if len(described) > MAX_LAYERS:
        raise _refused(wanted, f"it has more than {MAX_LAYERS} layers")
    if min(sizes.values()) < 0 or sum(sizes.values()) > MAX_BYTES:
        raise _refused(wanted, f"it has more than {MAX_BYTES >> 30} GiB")
    if wrong := [one for one in sizes if not _DIGEST.fullmatch(one)]:
        raise _refused(wanted, f"{wrong[0][:80]!a} is no digest by sha256")
    if any(word in one for one in media_types for word in _FOREIGN):
        raise _refused(wanted, "it has a layer that is not in the registry")
    return sizes


def _refused(wanted: Reference, why: str) -> HarnessError:
    return HarnessError(f"the image {wanted.repository}:{wanted.version} cannot be pulled: {why}")
