"""Images that packages describe: built or unpacked once, and pushed under the names charts use."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.apps import images
from conformance.apps.package import pulled_again
from conformance.apps.package.given import GivenApp, read_apps
from conformance.apps.package.package_images import PackageImages, full_name, unpacked
from conformance.apps.package.pulled_again import _pulled
from conformance.common.errors import HarnessError
from conformance.common.settings import data_root

POLLS = data_root() / "fixtures" / "packages" / "single-chart"


class FakeRegistry:
    def __init__(self) -> None:
        self.pushed: list[tuple[str, str]] = []
        self._there: dict[str, str] = {}

    def exists(self, reference: str) -> bool:
        return reference in self._there

    def digest(self, reference: str) -> str:
        return self._there[reference]

    def push_layout(self, layout: Path, reference: str) -> str:
        self._there[reference] = built = (layout / "built").read_text()
        self.pushed.append((reference, built))
        return built


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Images that were built; one called "bad" cannot be."""
    built: list[str] = []

    def build(
        context: Path, repository: str, version: str, _: object, output: Path, **__: Any
    ) -> None:
        built.append(f"{repository}:{version}")
        if repository.endswith("bad"):
            raise HarnessError("RUN false failed")
        output.mkdir()
        (output / "built").write_text(context.name)

    monkeypatch.setattr(images, "build", build)
    return built


@pytest.fixture
def package_images(tmp_path: Path) -> Iterator[PackageImages]:
    folder = tmp_path / "images"
    folder.mkdir()
    with closing(PackageImages(None, folder)) as made:  # type: ignore[arg-type]
        yield made
    assert not [one for one in folder.rglob("*") if one.is_file()]


def a_given_app(folder: Path, *images_of_it: str) -> GivenApp:
    """Return an app that describes images, each with a context of its short name."""
    lines = ["images:"]
    for one in images_of_it:
        context = folder / one.rpartition("/")[2].partition(":")[0]
        context.mkdir()
        lines.append(f"- {{image: {one!r}, context: {context.name}}}")
    (folder / "conformance.yaml").write_text("\n".join(lines))
    [app] = read_apps(POLLS)
    return GivenApp(folder, app.tree, app.app, folder / "conformance.yaml")


def test_the_images_of_a_package_are_built_and_pushed_once(
    tmp_path: Path, builds: list[str], package_images: PackageImages
) -> None:
    app, registry = a_given_app(tmp_path, "stackspin/web:1", "ghcr.io/a/db:2"), FakeRegistry()
    package_images.begin(app)
    for _ in range(2):  # for two capabilities
        package_images.push(app, registry)  # type: ignore[arg-type]
    assert builds == ["docker.io/stackspin/web:1", "ghcr.io/a/db:2"]
    assert registry.pushed == [("docker.io/stackspin/web:1", "web"), ("ghcr.io/a/db:2", "db")]


def test_images_by_whose_names_there_were_others_are_told(
    tmp_path: Path, builds: list[str], package_images: PackageImages
) -> None:
    del builds
    app, registry = a_given_app(tmp_path, "own/web:1", "own/db:2", "own/new:3"), FakeRegistry()
    registry._there = {"docker.io/own/web:1": "of another source", "docker.io/own/db:2": "db"}
    assert package_images.push(app, registry) == ["docker.io/own/web:1"]  # type: ignore[arg-type]
    assert package_images.push(app, registry) == []  # type: ignore[arg-type]


def a_pod(*states: dict[str, Any]) -> dict[str, Any]:
    return {"status": {"containerStatuses": [{"state": state} for state in states]}}


@pytest.mark.parametrize(
    ("pod", "pulled"),
    [
        ({"status": {}}, False),
        (a_pod({"waiting": {"reason": "ContainerCreating"}}), False),
        (a_pod({"terminated": {}}, {"waiting": {"reason": "ErrImagePull"}}), False),
        (a_pod({"waiting": {}}), False),
        (a_pod({"terminated": {"reason": "StartError"}}, {"running": {}}), True),
        (a_pod({"waiting": {"reason": "RunContainerError"}}), True),
    ],
)
def test_an_image_is_pulled_again_when_its_container_was_made(
    pod: dict[str, Any], pulled: bool
) -> None:
    assert _pulled(pod) is pulled


def test_each_node_pulls_again_what_has_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []
    awaited: list[int] = []
    monkeypatch.setattr(pulled_again, "apply", lambda _kube, item, **_: made.append(item))
    monkeypatch.setattr(
        pulled_again, "wait_each", lambda *_, minimum, **__: awaited.append(minimum)
    )
    nodes = [{"metadata": {"name": name}} for name in ("one", "two")]
    kube = SimpleNamespace(list=lambda *_: nodes)
    pulled_again.pull_again(kube, ["own/web:1"], "images")  # type: ignore[arg-type]
    assert [one["spec"]["nodeName"] for one in made] == ["one", "two"]
    [container] = made[0]["spec"]["containers"]
    assert (container["image"], container["imagePullPolicy"]) == ("own/web:1", "Always")
    assert awaited == [2]


def test_an_image_that_cannot_be_built_is_told_each_time(
    tmp_path: Path, builds: list[str], package_images: PackageImages
) -> None:
    app, registry = a_given_app(tmp_path, "stackspin/bad:1"), FakeRegistry()
    package_images.begin(app)  # says nothing yet
    for _ in range(2):
        with pytest.raises(HarnessError, match="RUN false failed"):
            package_images.push(app, registry)  # type: ignore[arg-type]
    assert builds == ["docker.io/stackspin/bad:1"]
    assert registry.pushed == []


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("debian", "docker.io/library/debian:latest"),
        ("stackspin/notes:1", "docker.io/stackspin/notes:1"),
        ("ghcr.io/a/b:2", "ghcr.io/a/b:2"),
        ("localhost:5000/a", "localhost:5000/a:latest"),
    ],
)
def test_an_image_has_the_name_that_the_node_asks_for(image: str, full: str) -> None:
    assert full_name(image) == full


def an_archive(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def test_an_oci_archive_and_a_docker_archive_become_layouts(tmp_path: Path) -> None:
    index = {"schemaVersion": 2, "manifests": [{"digest": "sha256:1"}, {"digest": "sha256:2"}]}
    oci = an_archive(tmp_path / "oci.tar", {"index.json": json.dumps(index).encode()})
    unpacked(oci, "docker.io/a/b:1", tmp_path / "first")
    [only] = json.loads((tmp_path / "first" / "index.json").read_text())["manifests"]
    assert only["digest"] == "sha256:1"
    manifest = json.dumps([{"Config": "c.json", "Layers": ["l.tar"]}]).encode()
    files = {"manifest.json": manifest, "c.json": b"{}", "l.tar": b"layer"}
    docker = an_archive(tmp_path / "docker.tar", files)
    unpacked(docker, "docker.io/a/b:1", tmp_path / "second")
    assert (tmp_path / "second" / "oci-layout").is_file()
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "docker.tar", "first", "oci.tar", "second",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"README": b"x"}, "is no OCI or docker archive"),
        ({"../out": b"x"}, "cannot be read as an image"),
        ({"manifest.json": b"[]"}, "cannot be read as an image"),
    ],
)
def test_an_archive_that_is_no_image_is_told(
    files: Mapping[str, bytes], problem: str, tmp_path: Path
) -> None:
    archive = an_archive(tmp_path / "bad.tar", files)
    with pytest.raises(HarnessError, match=problem):
        unpacked(archive, "docker.io/a/b:1", tmp_path / "image")
    assert {one.name for one in tmp_path.iterdir()} <= {"bad.tar", "image"}
