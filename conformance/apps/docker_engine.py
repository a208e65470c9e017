"""Building an app's image with a Docker engine, which is what most app developers have.

The engine takes the base image from where its owner gets images; nothing of ours is put into it,
and what it built is taken out of it again (but for its build cache).
"""

from __future__ import annotations

import functools
import hashlib
import json
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from conformance.clusters.docker import environment
from conformance.common.timeouts import Timeouts
from conformance.components.processes import CommandFailedError, Runner
from conformance.oci.layers import GZIP_MAGIC
from conformance.oci.layout import CONFIG, LAYER, MANIFEST


@functools.cache
def can_build_on(bases: Sequence[str]) -> bool:
    """Return whether an engine answers that has, or can pull, every one of these images."""
    if not shutil.which("docker", path=environment()["PATH"]):
        return False
    runner = Runner()

    def succeeds(*arguments: str) -> bool:
        bounded = ["timeout", f"{Timeouts().command:g}", "docker", *arguments]
        try:
            runner.run(bounded, env=environment())
        except CommandFailedError:
            return False
        return True

    return succeeds("version") and all(
        succeeds("image", "inspect", base) or succeeds("pull", "--quiet", base) for base in bases
    )


def build_image(
    context_dir: Path,
    *,
    tag: str,
    output: Path,
    build_args: Mapping[str, str],
    runner: Runner | None = None,
    line: Callable[[str], None] = lambda _: None,
) -> None:
    """Build ``context_dir``'s Dockerfile and write the image as OCI layout ``output``.

    Raises CommandFailedError with Docker's output when the build fails.
    """
    runner = runner or Runner()

    def run(*arguments: str | Path) -> None:
        runner.run(arguments, env=environment(), line=line)

    mine = f"stackspin-conformance-build:{secrets.token_hex(6)}"  # replaces no tag of the owner's
    arguments = [f"--build-arg={name}={value}" for name, value in build_args.items()]
    run("docker", "build", "--network=host", *arguments, f"--tag={mine}", context_dir)
    try:
        with tempfile.TemporaryDirectory(dir=output.parent) as folder:
            run("docker", "save", f"--output={folder}/image.tar", mine)
            saved = Path(folder) / "saved"
            saved.mkdir()
            run("tar", "--extract", f"--file={folder}/image.tar", f"--directory={saved}")
            write_layout(saved, tag, output)
    finally:
        run("docker", "rmi", "--no-prune", mine)


def write_layout(saved: Path, tag: str, output: Path) -> None:
    """Make an OCI layout of an unpacked ``docker save``, of old engines as of new ones.

    Source: moby, image/spec/v1.2.md, "Combined Image JSON + Filesystem Changeset Format". Its
    configuration and layers are OCI's but for their media types.
    """
    blobs = output / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def keep(source: Path, media_type: str) -> dict[str, object]:
        with source.open("rb") as file:
            packed = file.read(2) == GZIP_MAGIC
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
        shutil.copyfile(source, blobs / digest)  # old engines link a layer that occurs twice
        suffix = "+gzip" if packed else ""
        return {"mediaType": media_type + suffix, "digest": f"sha256:{digest}", "size": size}

    (image,) = json.loads((saved / "manifest.json").read_text())
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": keep(saved / image["Config"], CONFIG),
        "layers": [keep(saved / layer, LAYER) for layer in image["Layers"]],
    }
    file = output / "manifest"
    file.write_text(json.dumps(manifest))
    described = keep(file, MANIFEST)
    file.unlink()
    described["annotations"] = {"org.opencontainers.image.ref.name": tag.rpartition(":")[2]}
    index = {"schemaVersion": 2, "manifests": [described]}
    (output / "index.json").write_text(json.dumps(index))
    (output / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
