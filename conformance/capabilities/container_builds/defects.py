"""Wrong ways to release an image, in place of the right one while a twin runs."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.apps import images
from conformance.apps.images import candidate_of, push_for_testing, run_tests

if TYPE_CHECKING:
    from conformance.apps.images import BuiltImage, ImageTest
    from conformance.kube.objects import Object
    from conformance.oci.registry import Registry


@pytest.fixture
def released_before_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image is tagged for release first and tested afterwards."""

    def release(registry: Registry, image: BuiltImage, tests: Mapping[str, ImageTest]) -> None:
        candidate = push_for_testing(registry, image)
        registry.tag(candidate.by_digest, image.version)
        run_tests(candidate, tests)

    monkeypatch.setattr(images, "release", release)


@pytest.fixture
def rebuild_released(monkeypatch: pytest.MonkeyPatch) -> None:
    """One build is tested and the next one released: the same source, other bytes."""

    def release(registry: Registry, image: BuiltImage, tests: Mapping[str, ImageTest]) -> None:
        run_tests(push_for_testing(registry, image), tests)
        with tempfile.TemporaryDirectory() as folder:
            layout = Path(shutil.copytree(image.layout, Path(folder) / "rebuilt"))
            _rebuild(replace(image, layout=layout))
            registry.push_layout(layout, candidate_of(image).reference)

    monkeypatch.setattr(images, "release", release)


def _rebuild(image: BuiltImage) -> None:
    """Make an image what a build at another time makes of it."""
    blobs = image.layout / "blobs" / "sha256"
    index = json.loads((image.layout / "index.json").read_text())
    manifest = json.loads((blobs / image.digest.removeprefix("sha256:")).read_text())

    def put(content: Object) -> Object:
        data = json.dumps(content).encode()
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    manifest["config"] |= put(image.configuration() | {"created": "2000-01-01T00:00:00Z"})
    index["manifests"][0] |= put(manifest)
    (image.layout / "index.json").write_text(json.dumps(index))
