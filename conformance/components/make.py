"""How each kind of part is made."""

from __future__ import annotations

import shutil

from conformance.components import buildah, debian, golang, wheels
from conformance.components.catalogue import part
from conformance.components.images import BASE_FILES, Entry, Layout
from conformance.components.parts import (
    CPart,
    DebianFiles,
    DebianRootfs,
    DockerfileImage,
    FileImage,
    GoPart,
    ImagePart,
    Part,
    RootfsImage,
    WheelPart,
)
from conformance.components.work import Work


def make(wanted: Part, work: Work) -> None:
    """Fill ``work.target`` with ``wanted``'s files; HarnessError, CommandFailedError."""
    match wanted:
        case GoPart():
            golang.build(wanted, work)
        case CPart():
            _compile(wanted, work)
        case WheelPart():
            wheels.build(wanted, work)
        case DebianRootfs():
            debian.build_rootfs(wanted, work)
        case DebianFiles():
            debian.build_files(wanted, work)
        case FileImage():
            _file_image(wanted, work)
        case RootfsImage():
            layout = Layout(work.target / "oci")
            layout.add_archive(work.inputs(wanted.rootfs) / "rootfs.tar")
            layout.finish(wanted.reference, command=wanted.command)
        case DockerfileImage():
            _dockerfile_image(wanted, work)
        case _:
            raise TypeError(f"no way to make a {type(wanted).__name__}")


def _compile(wanted: CPart, work: Work) -> None:
    flags = ("-Os", "-Wall", "-Wextra", "-Werror", "-static", "-s")
    work.runner.run(
        ["gcc", *flags, "-o", work.target / wanted.name, work.sources.programs / wanted.file],
        env=debian.system_environment(TMPDIR=str(work.scratch)),
    )


def _file_image(wanted: FileImage, work: Work) -> None:
    entries = list(BASE_FILES)
    for path, where in wanted.files.items():
        name, _, file = where.partition(":")
        source = work.inputs(name) / file
        mode = 0o755 if source.stat().st_mode & 0o111 else 0o644
        entries.append(Entry(path, source, mode, capability=wanted.capabilities.get(path, "")))
    entries.extend(Entry(path, link=link) for path, link in wanted.links.items())
    layout = Layout(work.target / "oci")
    layout.add_files(entries)
    layout.finish(
        wanted.reference, entrypoint=wanted.entrypoint, command=wanted.command, user=wanted.user
    )


def _dockerfile_image(wanted: DockerfileImage, work: Work) -> None:
    context = work.scratch / "context"
    shutil.copytree(
        work.sources.services / wanted.folder,
        context,
        symlinks=True,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    if (context / "requirements.txt").exists():
        wheels.download_for_image(context, work)
    bases = {}
    for name in wanted.inputs:
        base = part(name)
        if isinstance(base, ImagePart):
            bases[base.reference] = work.inputs(name) / "oci"
    buildah.build_image(
        context,
        tag=wanted.reference,
        base_layouts=bases,
        output=work.target / "oci",
        storage=work.cache / "buildah",
        runner=work.runner,
        line=work.line,
    )
