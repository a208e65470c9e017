"""A node image for kind, as `kind build node-image` makes it, without Docker and any registry.

What is done here and in ``kind_parts.py`` is what kind's images/base/Dockerfile and
pkg/build/nodeimage do.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from conformance.components.debian import system_environment
from conformance.components.image_files import entries
from conformance.components.parts import KindNode
from conformance.components.recipe import PRELOAD
from conformance.components.work import Work
from conformance.oci.layout import Entry, Layout, add_docker_index

_ENTRYPOINT = ("/usr/local/bin/entrypoint", "/sbin/init")
_SCRIPTS = ("usr/local/bin/", "kind/bin/")
"""Where kind's files are executable."""
_NOT_NEEDED = ("clean-install", "containerd-fuse-overlayfs.service")
"""For kind's own builds, and for Docker without root."""


def build(wanted: KindNode, work: Work) -> None:
    """Write the image as OCI layout that Docker loads too; CommandFailedError."""
    layout = Layout(work.target / "oci")
    layout.add_files(
        [
            *entries(wanted, work.inputs),
            *_kind_files(work.inputs("kind") / "files"),
            Entry("/etc/containerd/cri-base.json", _container_defaults(work)),
        ],
        base=work.inputs(wanted.rootfs) / "rootfs.tar",
        without=wanted.without,
    )
    layout.add_archive(_preload(wanted, work))
    layout.finish(
        wanted.reference,
        entrypoint=_ENTRYPOINT,
        environment=("container=docker",),
        stop_signal="SIGRTMIN+3",  # systemd's for an orderly end
    )
    add_docker_index(work.target / "oci")


def _kind_files(folder: Path) -> Iterator[Entry]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or path.name in _NOT_NEEDED:
            continue
        content = path.read_bytes()
        if name == "etc/containerd/config.toml":
            # Not every host lets its root lower a process's score.
            content = content.replace(
                b"restrict_oom_score_adj = false", b"restrict_oom_score_adj = true"
            )
            # By systemd, runc freezes each container that it starts with cgroups of version 1,
            # and on a busy host gives up ("unable to freeze").
            content = content.replace(b"SystemdCgroup = true", b"SystemdCgroup = false")
        yield Entry(f"/{name}", content, 0o755 if name.startswith(_SCRIPTS) else 0o644)


def _container_defaults(work: Work) -> bytes:
    """Return the OCI runtime specification that containers of the node start from."""
    ctr = work.inputs("containerd") / "ctr"
    specification = json.loads(work.runner.run([ctr, "oci", "spec"], env=system_environment()))
    del specification["process"]["rlimits"]
    hook = {"path": "/kind/bin/mount-product-files.sh"}
    specification["hooks"] = {"createContainer": [hook]}
    return json.dumps(specification).encode()


def _preload(wanted: KindNode, work: Work) -> Path:
    """Return a tar file of a containerd's store that has ``wanted.images``."""
    archive = work.scratch / "images.tar"
    layouts = [work.inputs(name) / "oci" for name in wanted.images]
    env = system_environment()
    env["PATH"] = f"{work.inputs('containerd')}{os.pathsep}{env['PATH']}"
    script = work.sources.programs / PRELOAD
    work.runner.run(
        ["sh", script, work.scratch / "node", archive, *layouts],
        env=env,
        line=work.line,
        mounts=True,
    )
    return archive
