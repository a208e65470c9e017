"""How each kind of part is made."""

from __future__ import annotations

import shutil

from conformance.components import buildah, debian, golang, kind_node, wheels
from conformance.components.catalogue import part
from conformance.components.image_files import BASE_FILES, entries
from conformance.components.parts import (
    CPart,
    DebianFiles,
    DebianRootfs,
    DockerfileImage,
    FileImage,
    GoPart,
    ImagePart,
    KindNode,
    Part,
    ProgramPart,
    RootfsImage,
    SystemImage,
    WheelPart,
)
from conformance.components.work import Work
from conformance.oci.layout import Layout


def make(wanted: Part, work: Work) -> None:
    """Fill ``work.target`` with ``wanted``'s files; HarnessError, CommandFailedError."""
    match wanted:
        case GoPart():
            golang.build(wanted, work)
        case CPart():
            _compile(wanted, work)
        case ProgramPart():
            _copy_programs(wanted, work)
        case WheelPart():
            wheels.build(wanted, work)
        case DebianRootfs():
            debian.build_rootfs(wanted, work)
        case DebianFiles():
            debian.build_files(wanted, work)
        case FileImage():
            _file_image(wanted, work)
        case KindNode():
            kind_node.build(wanted, work)
        case RootfsImage() | SystemImage():
            _rootfs_image(wanted, work)
        case DockerfileImage():
            _dockerfile_image(wanted, work)
        case _:
            raise TypeError(f"no way to make a {type(wanted).__name__}")


def _copy_programs(wanted: ProgramPart, work: Work) -> None:
    for program, where in wanted.files.items():
        name, _, file = where.partition(":")
        shutil.copy(work.inputs(name) / file, work.target / program)


def _compile(wanted: CPart, work: Work) -> None:
    flags = ("-Os", "-Wall", "-Wextra", "-Werror", "-static", "-s")
    work.runner.run(
        ["gcc", *flags, "-o", work.target / wanted.name, work.sources.programs / wanted.file],
        env=debian.system_environment(TMPDIR=str(work.scratch)),
    )


def _file_image(wanted: FileImage, work: Work) -> None:
    layout = Layout(work.target / "oci")
    layout.add_files([*BASE_FILES, *entries(wanted, work.inputs)])
    layout.finish(
        wanted.reference, entrypoint=wanted.entrypoint, command=wanted.command, user=wanted.user
    )


def _rootfs_image(wanted: RootfsImage | SystemImage, work: Work) -> None:
    layout = Layout(work.target / "oci")
    rootfs = work.inputs(wanted.rootfs) / "rootfs.tar"
    if isinstance(wanted, RootfsImage):
        layout.add_archive(rootfs)
        layout.finish(wanted.reference, command=wanted.command)
        return
    layout.add_files(entries(wanted, work.inputs), base=rootfs, without=wanted.without)
    layout.finish(wanted.reference)


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
