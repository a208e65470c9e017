"""Everything that is pulled is in the registry that stands in for upstream's."""

from __future__ import annotations

from pathlib import Path

from bench import stand_in
from conformance.components import upstream
from conformance.components.progress import Progress
from conformance.oci.extract import extract_programs
from conformance.oci.registry import Registry


class Built:
    """Components all of which are there, as files with their own name in them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def image_layout(self, name: str) -> Path:
        return self._folder / name

    def path(self, name: str) -> Path:
        folder = self._folder / f"part-{name}"
        folder.mkdir(exist_ok=True)
        for program in upstream.PROGRAMS[name]:
            (folder / program).write_text(program)
        return folder


def test_it_has_all_images_and_each_program_at_its_path(tmp_path: Path, monkeypatch) -> None:
    pushed: list[str] = []

    def push(_: Registry, layout: Path, reference: str) -> None:
        pushed.append(reference)
        for image in upstream.PROGRAM_IMAGES.values():
            if image.reference == reference:
                check(layout, image.name)

    def check(layout: Path, image: str) -> None:
        for programs in upstream.PROGRAMS.values():
            for program, (where, path) in programs.items():
                if where == image:
                    extract_programs(layout, {program: path}, tmp_path)
                    assert (tmp_path / program).read_text() == program

    monkeypatch.setattr(Registry, "push_layout", push)
    monkeypatch.setattr(stand_in.publish, "push", lambda *_: [])
    options = stand_in.fill("127.0.0.1:1", Built(tmp_path), Progress())  # type: ignore[arg-type]
    assert sorted(pushed) == upstream.references()
    assert "--mirror=own=127.0.0.1:1/own" in options
    assert {one.partition("/")[0] for one in pushed} <= {
        one.removeprefix("--mirror=").partition("=")[0] for one in options
    }
