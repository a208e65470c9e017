"""Components that are made by writing their name, or pulled from a registry of this machine."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from stub_registry import StubRegistry, serving

from conformance.common.settings import Settings
from conformance.components import lock_file, obtain, prepare
from conformance.components.builder import Components
from conformance.components.parts import ImagePart, Part
from conformance.components.progress import Progress
from conformance.components.work import Work
from conformance.oci.layout import Entry, Layout

REGISTRIES = ("docker.io", "ghcr.io", "quay.io", "registry.k8s.io")
HELM = "docker.io/alpine/helm:3.22.0"
NODE = "docker.io/kindest/node:v1.36.4"


class Bench:
    """Components that are made by writing their name, or pulled from a registry of this machine."""

    def __init__(self, folder: Path, stub: StubRegistry) -> None:
        self.folder = folder
        self.stub = stub
        self.output = io.StringIO()
        self.made: list[str] = []
        self.digests: dict[str, str] = {}

    def components(self, parts: str = "auto", *more: str, cache: str = "cache") -> Components:
        def make(wanted: Part, work: Work) -> None:
            self.made.append(wanted.name)
            for name in wanted.inputs:
                work.inputs(name)
            if isinstance(wanted, ImagePart):
                layout = Layout(work.target / "oci")
                layout.add_files([Entry("/made", wanted.name.encode())])
                layout.finish(wanted.reference)
            else:
                (work.target / wanted.name).write_text("made")
                (work.target / wanted.name).chmod(0o755)

        given = (*(f"{name}={self.stub.address}/{name}" for name in REGISTRIES), *more)
        settings = Settings(cache_dir=self.folder / cache, parts=parts, mirror=given)
        return Components(settings, Progress(self.output), maker=make)

    def publish(self, *references: str, **files: str) -> None:
        """Put images of ``files`` where upstream has them."""
        for reference in references:
            repository, _, tag = reference.rpartition(":")
            self.stub.add_image(repository, tag, self.folder / "images", **files)

    @property
    def asked(self) -> list[str]:
        return [one for one in self.stub.asked if one != "GET /v2/"]


@contextlib.contextmanager
def pulling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Yield components for which a registry of this machine stands in for all others."""
    monkeypatch.setattr(prepare, "ensure_packages", lambda *_args, **_more: None)
    monkeypatch.setattr(obtain, "PAUSES", (0.0,))
    (tmp_path / "images").mkdir()
    with serving() as stub:
        made = Bench(tmp_path, stub)
        monkeypatch.setattr(lock_file, "read", lambda *_: made.digests)
        yield made
