from __future__ import annotations

import json
import shutil
from concurrent.futures import Future
from pathlib import Path

import pytest

from conformance.apps import images, ready_images
from conformance.apps.docker_engine import write_layout
from conformance.apps.image_builds import NOTES, ImageBuilds, hardlink_blobs, source_of
from conformance.apps.images import BuiltImage, Candidate, TestsPassed, promote, run_tests
from conformance.apps.running import listening_ports
from conformance.common.errors import HarnessError
from conformance.common.run_folder import run_folder

CANDIDATE = Candidate("docker.io/stackspin/notes", "1.0.0", "sha256:aaaa")


class UntouchableRegistry:
    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the registry was asked to {name}")


def fail(_reference: str) -> None:
    raise AssertionError("bad image")


def test_tests_get_the_pushed_bytes_and_the_first_failure_ends_them() -> None:
    tested = []
    with pytest.raises(AssertionError, match="bad image"):
        run_tests(CANDIDATE, {"one": tested.append, "two": fail, "three": tested.append})
    assert tested == ["docker.io/stackspin/notes@sha256:aaaa"]
    proof = run_tests(CANDIDATE, {"one": tested.append})
    assert proof == TestsPassed("sha256:aaaa", ("one",))


def test_without_tests_there_is_no_proof() -> None:
    with pytest.raises(HarnessError, match="has no tests"):
        run_tests(CANDIDATE, {})


def test_a_proof_about_other_bytes_promotes_nothing() -> None:
    proof = TestsPassed("sha256:bbbb", ("one",))
    with pytest.raises(HarnessError, match="was not tested: the tests passed on sha256:bbbb"):
        promote(UntouchableRegistry(), CANDIDATE, proof)


def test_a_failing_test_leaves_the_image_unreleased(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text('{"manifests": [{"digest": "sha256:aaaa"}]}')
    pushed = []

    class PushOnly(UntouchableRegistry):
        def push_layout(self, _layout: Path, reference: str) -> None:
            pushed.append(reference)

    image = BuiltImage(CANDIDATE.repository, "1.0.0", tmp_path, "buildah")
    with pytest.raises(AssertionError, match="bad image"):
        images.release(PushOnly(), image, {"fails": fail})
    assert pushed == ["docker.io/stackspin/notes:1.0.0-test"]


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageBuilds:
    def build(
        _context: Path, repository: str, version: str, _: object, output: Path, **__: object
    ) -> BuiltImage:
        (output / "blobs" / "sha256").mkdir(parents=True)
        return BuiltImage(repository, version, output, "buildah")

    monkeypatch.setattr(images, "build", build)
    made = ImageBuilds(components=None, folder=tmp_path, cache=tmp_path / "cache")
    yield made
    made.close()


def test_the_same_source_is_built_once_and_only_it_has_the_apps_name(
    builds: ImageBuilds, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(source_of(NOTES), tmp_path / "copy" / NOTES))
    first: Future[BuiltImage] = builds.begin(source_of(NOTES), "1.0.0")
    assert builds.begin(copy, "1.0.0") is first
    assert first.result().repository == "docker.io/stackspin/notes"
    (copy / "default.toml").write_text("# another one\n")
    changed = builds.begin(copy, "1.0.0")
    assert changed is not first
    assert changed.result().repository.startswith("docker.io/stackspin/notes-")


def test_an_image_that_was_built_beforehand_is_used(builds: ImageBuilds, tmp_path: Path) -> None:
    ready = ready_images.layout(tmp_path / "cache", source_of(NOTES), "1.0.0")
    (ready / "blobs" / "sha256").mkdir(parents=True)
    (ready / "blobs" / "sha256" / "layer").write_text("layer")
    ready_images.move_blobs_to_shared_folder(ready)
    assert builds.begin(source_of(NOTES), "1.0.0").result().layout == ready
    assert (ready / "blobs" / "sha256" / "layer").read_text() == "layer"
    assert builds.begin(source_of(NOTES), "2.0.0").result().layout != ready


def test_a_changed_source_is_built_all_the_same(builds: ImageBuilds, tmp_path: Path) -> None:
    ready_images.layout(tmp_path / "cache", source_of(NOTES), "1.0.0").mkdir(parents=True)
    copy = Path(shutil.copytree(source_of(NOTES), tmp_path / "copy" / NOTES))
    (copy / "default.toml").write_text("# another one\n")
    assert builds.begin(copy, "1.0.0").result().layout.parent == tmp_path


@pytest.mark.parametrize(
    ("user", "engine", "can"), [(0, False, True), (10002, True, True), (10002, False, False)]
)
def test_images_are_built_by_root_or_an_engine(
    monkeypatch: pytest.MonkeyPatch, user: int, engine: bool, can: bool
) -> None:
    monkeypatch.setattr(images.os, "geteuid", lambda: user)
    monkeypatch.setattr(images.docker_engine, "can_build_on", lambda _: engine)

    class References:
        def image_reference(self, name: str) -> str:
            return name

    assert images.can_build(References()) == can


def test_what_images_have_in_common_is_once_on_the_disk(tmp_path: Path) -> None:
    for name, layers in (("1", ("base", "app")), ("2", ("base", "other app"))):
        blobs = tmp_path / name / "blobs" / "sha256"
        blobs.mkdir(parents=True)
        for layer in layers:
            (blobs / layer).write_text(layer)
        hardlink_blobs(tmp_path / name, tmp_path / "store")
    one, two = (tmp_path / name / "blobs" / "sha256" for name in ("1", "2"))
    assert (one / "base").samefile(two / "base")
    assert {path.name: path.read_text() for path in two.iterdir()} == {
        "base": "base",
        "other app": "other app",
    }


def test_only_listening_sockets_count() -> None:
    table = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 1
   1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000 10001        0 2
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:2382 00000000000000000000000000000000:0000 0A 0:0 0:0 0
"""
    assert listening_ports(table) == {8080, 9090}


@pytest.mark.parametrize("layer", [b"tar", b"\x1f\x8bpacked"])
def test_an_image_saved_by_docker_becomes_an_oci_layout(tmp_path: Path, layer: bytes) -> None:
    saved = tmp_path / "saved"
    (saved / "a").mkdir(parents=True)
    (saved / "b").mkdir()
    (saved / "a" / "layer.tar").write_bytes(layer)
    (saved / "b" / "layer.tar").symlink_to("../a/layer.tar")
    (saved / "c").mkdir()
    (saved / "c" / "layer.tar").write_bytes(b"top")
    configuration = {"config": {"ExposedPorts": {"8080/tcp": {}}}}
    (saved / "1.json").write_text(json.dumps(configuration))
    content = [{"Config": "1.json", "Layers": [f"{name}/layer.tar" for name in "abc"]}]
    (saved / "manifest.json").write_text(json.dumps(content))

    write_layout(saved, "docker.io/stackspin/notes:1.0.0", tmp_path / "layout")
    image = BuiltImage("docker.io/stackspin/notes", "1.0.0", tmp_path / "layout", "docker")
    assert image.configuration() == configuration
    assert [blob.read() for blob in image.layers()] == [layer, layer, b"top"]
    assert [blob.read() for blob in image.layers(top_first=True)] == [b"top", layer, layer]


def test_a_run_folder_goes_with_its_run_and_what_a_killed_run_left_goes_with_the_next(
    tmp_path: Path,
) -> None:
    abandoned = tmp_path / "abandoned" / "layout"
    abandoned.mkdir(parents=True)
    with run_folder(tmp_path) as first, run_folder(tmp_path) as second:
        assert not abandoned.exists()
        assert first.is_dir()
        assert second.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.lock"]
