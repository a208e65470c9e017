"""How each kind of part is pulled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from conformance.common.errors import HarnessError
from conformance.components import golang, upstream
from conformance.components.debian import system_environment
from conformance.components.parts import GoPart, ImagePart, Part
from conformance.components.processes import CommandFailedError, StoppedError
from conformance.components.registries import Registries
from conformance.components.ways import OWN_MIRROR, Way, own_image
from conformance.components.work import Work
from conformance.oci.extract import extract_all, extract_programs
from conformance.oci.pull import pull_image
from conformance.oci.reference import Reference

Facts = dict[str, Any]


def pull(
    wanted: Part,
    way: Way,
    registries: Registries,
    facts_of: Callable[[str], Mapping[str, Any]],
    work: Work,
) -> Facts:
    """Fill ``work.target`` with ``wanted``'s files, and return what is to be recorded of them.

    ``facts_of`` gives what was recorded of the images that its programs are in. Raises HarnessError
    (RegistryTroubleError where another try may help), StoppedError, and what
    ``golang.fetch_folders`` does.
    """
    if way.how == OWN_MIRROR:
        layout = work.scratch / "own"
        digest = _pull(own_image(wanted, way.key), wanted.name, registries, layout, work)
        extract_all(layout, work.target)
        return {"pulled": [f"own/{wanted.name}@{digest}"], "unpinned": False}
    if way.image and isinstance(wanted, ImagePart):
        layout = work.target / "oci"
        digest = _pull(way.image, wanted.reference, registries, layout, work)
        name = f"{way.image.repository}:{way.image.tag}@{digest}"
        return {"pulled": [name], "unpinned": way.image.digest is None}
    wanted_of: dict[str, dict[str, str]] = {}
    for program, (image, path) in upstream.PROGRAMS[wanted.name].items():
        wanted_of.setdefault(image, {})[program] = path
    for image, programs in wanted_of.items():
        work.line(f"{', '.join(programs)} out of {image}")
        extract_programs(work.inputs(image) / "oci", programs, work.target)
        for program in programs:
            _check_libraries(work.target / program, image, work)
    if isinstance(wanted, GoPart) and wanted.folders:
        golang.fetch_folders(wanted, work)
    facts = [facts_of(image) for image in wanted_of]
    return {
        "pulled": [name for one in facts for name in one["pulled"]],
        "unpinned": any(one["unpinned"] for one in facts),
    }


def _pull(
    image: Reference, reference: str, registries: Registries, layout: Path, work: Work
) -> str:
    client, there = registries.locate(image)

    def say(progress: str) -> None:
        if work.runner.stopped.is_set():
            raise StoppedError
        work.line(progress)

    return pull_image(client, there, reference, layout, say)


def _check_libraries(program: Path, image: str, work: Work) -> None:
    """HarnessError when this machine has not the libraries that a program was linked with."""
    try:
        said = work.runner.run(["ldd", program], env=system_environment())
    except CommandFailedError as failure:
        said = failure.output  # of a program without libraries, too
    if missing := [line.strip() for line in said.splitlines() if "not found" in line]:
        raise HarnessError(
            f"{program.name} of {image} does not run on this machine: {missing[0]}",
            "build it: leave out --parts=pull",
        )
