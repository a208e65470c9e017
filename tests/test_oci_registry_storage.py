"""Blobs that are put where a registry keeps its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from conformance.oci.layout import Entry, Layout
from conformance.oci.registry_storage import place_blobs

NAME = "docker.io/library/tool"


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    made = Layout(tmp_path / "oci")
    made.add_files([Entry("/etc/tool.conf", b"content")])
    made.finish(f"{NAME}:1", entrypoint=("tool",))
    return tmp_path / "oci"


def blobs_of(layout: Path) -> set[str]:
    [described] = json.loads((layout / "index.json").read_text())["manifests"]
    content = (layout / "blobs" / described["digest"].replace(":", "/")).read_text()
    manifest = json.loads(content)
    return {one["digest"] for one in (manifest["config"], *manifest["layers"])}


def placed(root: Path) -> dict[str, bytes]:
    """Return what the registry finds of the image: content by digest."""
    kept = root / "docker" / "registry" / "v2"
    links = (kept / "repositories" / NAME / "_layers" / "sha256").glob("*/link")
    found = {}
    for link in links:
        digest = link.read_text()
        value = digest.removeprefix("sha256:")
        assert link.parent.name == value
        found[digest] = (kept / "blobs" / "sha256" / value[:2] / value / "data").read_bytes()
    return found


def test_all_blobs_but_the_manifest_are_placed_and_take_no_room(
    layout: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        place_blobs(layout, f"{NAME}:1", tmp_path / "registry")
    found = placed(tmp_path / "registry")
    assert found.keys() == blobs_of(layout)
    for digest, content in found.items():
        original = layout / "blobs" / digest.replace(":", "/")
        assert content == original.read_bytes()
        assert original.stat().st_nlink == 2


def test_on_another_file_system_they_are_copied(
    layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", another)
    place_blobs(layout, f"{NAME}:1", tmp_path / "registry")
    copies = placed(tmp_path / "registry")
    shutil.rmtree(layout / "blobs")
    assert placed(tmp_path / "registry") == copies
    assert not [*(tmp_path / "registry").rglob("tmp*")]
