"""Images from Dockerfiles by buildah, in storage of our own, with nothing of this machine in them.

Each command gets its own mount and PID namespace (``processes.py``): whatever way it ends, no
mount and no process is left. Storage stays between builds, which makes a rebuild after a changed
source file quick; the run-time folder is new each time.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from conformance.common.errors import HarnessError
from conformance.common.locks import locked
from conformance.common.settings import cache_dir
from conformance.components.debian import ensure_packages, system_environment
from conformance.components.processes import CommandFailedError, Runner
from conformance.oci.layout import layout_from_dir

_POLICY = {"default": [{"type": "insecureAcceptAnything"}]}
"""Base images come from verified layouts on this disk; there is nothing to check a signature of."""
_LAYERS_KEPT = 300
"""With more layers than this in its storage, the next build starts with an empty one."""
_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
"""Where Debian has the authorities that a machine trusts."""


def build_image(
    context_dir: Path,
    *,
    tag: str,
    base_layouts: Mapping[str, Path],
    output: Path,
    dockerfile: str = "Dockerfile",
    build_args: Mapping[str, str] | None = None,
    storage: Path | None = None,
    runner: Runner | None = None,
    line: Callable[[str], None] = lambda _: None,
) -> None:
    """Build ``context_dir``'s ``dockerfile`` and write the image as OCI layout ``output``.

    ``base_layouts`` (reference -> layout folder) are all the images that FROM can name: nothing is
    ever pulled. RUN has the host's network, and may mount the secret ``ca-certificates``: the
    authorities that this machine trusts, as downloads may come through a proxy with one of its own.
    ``storage`` defaults to a folder in the cache. Raises HarnessError (not root, no buildah),
    CommandFailedError with buildah's output when the build fails.
    """
    ensure_packages({"buildah": "buildah"}, why="build images")
    storage = storage or cache_dir() / "buildah"
    storage.mkdir(parents=True, exist_ok=True)
    with locked(storage / "lock", f"building {tag}", lambda holder: line(f"waiting for {holder}")):
        _sweep(storage)
        with tempfile.TemporaryDirectory(prefix="run-", dir=storage) as scratch:
            build = _Buildah(storage, Path(scratch), runner or Runner(), line)
            build.forget_containers()
            for reference, layout in base_layouts.items():
                build.load(reference, layout)
            build.build(context_dir, dockerfile, build_args or {}, tag)
            build.save(tag, output)


def _sweep(storage: Path) -> None:
    """Remove run-time folders of killed builds, and storage that has grown too large."""
    for leftover in storage.glob("run-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    for layers in storage.glob("images/*-layers/layers.json"):
        try:
            count = len(json.loads(layers.read_text()))
        except ValueError:
            count = _LAYERS_KEPT + 1
        if count > _LAYERS_KEPT:
            shutil.rmtree(storage / "images")


class _Buildah:
    """One build's buildah commands; the caller holds the storage's lock."""

    def __init__(
        self, storage: Path, scratch: Path, runner: Runner, line: Callable[[str], None]
    ) -> None:
        self._scratch = scratch
        self._runner = runner
        self._line = line
        policy = scratch / "policy.json"
        policy.write_text(json.dumps(_POLICY))
        configuration = scratch / "containers.conf"
        configuration.write_text("")
        self._env = system_environment(
            TMPDIR=str(scratch),
            CONTAINERS_CONF=str(configuration),
            CONTAINERS_REGISTRIES_CONF=str(configuration),
            STORAGE_DRIVER=self._driver(),
            XDG_RUNTIME_DIR=str(scratch),
        )
        self._proxies = any(name.lower().endswith("_proxy") for name in self._env)
        self._policy = f"--signature-policy={policy}"
        self._options = (f"--root={storage / 'images'}", f"--runroot={scratch / 'run'}")

    def _driver(self) -> str:
        """Return overlay where the kernel can stack one on this disk, else vfs."""
        folders = [self._scratch / name for name in ("lower", "upper", "work", "merged")]
        for folder in folders:
            folder.mkdir()
        lower, upper, work, merged = folders
        options = f"lowerdir={lower},upperdir={upper},workdir={work}"
        mount: list[str | Path] = ["mount", "-t", "overlay", "overlay", "-o", options, merged]
        try:
            self._runner.run(mount, env=system_environment(), mounts=True)
        except CommandFailedError:
            return "vfs"
        return "overlay"

    def _run(self, *arguments: str | Path, line: Callable[[str], None] = lambda _: None) -> str:
        return self._runner.run(
            ["buildah", *self._options, *arguments],
            env=self._env,
            cwd=self._scratch,
            line=line,
            mounts=True,
        )

    def forget_containers(self) -> None:
        """Remove working containers of killed builds."""
        self._run("rm", "--all")

    def load(self, reference: str, layout: Path) -> None:
        """Make a layout known under ``reference`` unless its very image already is."""
        index = json.loads((layout / "index.json").read_text())
        manifest = index["manifests"][0]["digest"].partition(":")[2]
        described = json.loads((layout / "blobs" / "sha256" / manifest).read_text())
        wanted = described["config"]["digest"].partition(":")[2]
        known = self._run("images", "--all", "--quiet", "--no-trunc").replace("sha256:", "").split()
        if wanted not in known:
            # buildah names what it pulls after the path as given, which may not be a valid name
            # (``.cache``): hence a link of a plain name beside its working directory.
            (self._scratch / "base").unlink(missing_ok=True)
            (self._scratch / "base").symlink_to(layout.absolute())
            self._run("pull", "--quiet", self._policy, "oci:base")
        self._run("tag", wanted, reference)

    def build(
        self, context: Path, dockerfile: str, build_args: Mapping[str, str], tag: str
    ) -> None:
        """Build and tag; a file named in the context's .dockerignore or .containerignore is out."""
        path = context / dockerfile
        if not path.is_file():
            raise HarnessError(f"there is no {dockerfile} in {context}")
        arguments = [f"--build-arg={name}={value}" for name, value in build_args.items()]
        authorities = Path(os.environ.get("SSL_CERT_FILE") or _AUTHORITIES)
        if authorities.is_file():
            arguments.append(f"--secret=id=ca-certificates,src={authorities.resolve()}")
        self._run(
            "build",
            self._policy,
            "--isolation=chroot",
            "--network=host",
            "--pull-never",
            "--layers",
            "--force-rm",
            f"--http-proxy={'true' if self._proxies else 'false'}",
            "--format=oci",
            *arguments,
            f"--file={path}",
            f"--tag={tag}",
            context,
            line=self._line,
        )

    def save(self, tag: str, output: Path) -> None:
        """Write the image as an OCI layout; layers stay plain tar, as in ``images.py``."""
        folder = self._scratch / "image"
        self._run("push", "--quiet", self._policy, "--disable-compression", tag, f"dir:{folder}")
        layout_from_dir(folder, tag, output)
