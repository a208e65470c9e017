"""What the suite tells kind, and what it adds to a node; the node itself is in tests/root."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from conformance.clusters import docker
from conformance.clusters.kind import cluster as kind
from conformance.clusters.kind import command as kind_command
from conformance.clusters.kind import services as kind_services
from conformance.clusters.ownership.state import Folder
from conformance.common.errors import HarnessError
from conformance.common.pins import pin
from conformance.common.settings import Settings
from conformance.components.builder import Components


def test_upstream_s_image_is_that_of_the_pinned_kind() -> None:
    lookup = "kind's pkg/apis/config/defaults/image.go names the image: change both"
    assert pin("kind").version == "v0.33.0", lookup
    assert "@sha256:" in kind.UPSTREAM_IMAGE


def test_the_node_gets_a_registry_that_mirrors_all_others(tmp_path: Path) -> None:
    program = tmp_path / "registry"
    program.write_bytes(b"a program")
    with tarfile.open(fileobj=io.BytesIO(kind_services.archive(program))) as archive:
        modes = {member.name: member.mode for member in archive}
        mirror = archive.extractfile("etc/containerd/certs.d/ghcr.io/hosts.toml")
        assert mirror
        assert b"http://127.0.0.1:5000/v2/ghcr.io" in mirror.read()
    assert modes["usr/local/bin/registry"] == 0o755
    assert {f"etc/systemd/system/{unit}.service" for unit in kind_services.UNITS} <= modes.keys()


def test_a_private_engine_cannot_pull_the_image_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(
        cluster="kind",
        docker="start",
        kind_image="mine:1",
        cache_dir=tmp_path,
        state_dir=tmp_path / "state",
    )
    monkeypatch.setattr(docker.Engine, "version", lambda _: None)
    cluster = kind.KindCluster(settings, Components(settings))
    with pytest.raises(HarnessError, match="no network access and cannot pull mine:1"):
        cluster.start()
    assert not (tmp_path / "state/clusters/stackspin").exists()


class Docker:
    """An engine that has one image, and can pull another."""

    def __init__(self, has: str = "", gets: str = "") -> None:
        self.has = has
        self.gets = gets
        self.pulled: list[str] = []

    def has_image(self, name: str) -> bool:
        return name == self.has

    def attempt(self, *arguments: str, timeout: float) -> subprocess.CompletedProcess[bytes]:
        assert arguments[0] == "pull"
        assert timeout
        self.pulled.append(arguments[1])
        return subprocess.CompletedProcess((), int(arguments[1] != self.gets))

    def load(self, folder: Path) -> None:
        self.has = f"loaded from {folder.name}"


class Layouts:
    """Components that have the node image that is made here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def image_layout(self, _: str) -> Path:
        (self._folder / "manifest.json").write_text('[{"RepoTags": ["made:1"]}]')
        return self._folder


MIRRORED = f"mirror.example/hub/{kind.UPSTREAM_IMAGE}"


@pytest.mark.parametrize(
    ("parts", "mirror", "engine", "image", "pulled"),
    [
        ("auto", (), Docker(has=kind.UPSTREAM_IMAGE), kind.UPSTREAM_IMAGE, []),
        ("pull", (), Docker(gets=kind.UPSTREAM_IMAGE), kind.UPSTREAM_IMAGE, [kind.UPSTREAM_IMAGE]),
        ("auto", (), Docker(), "made:1", [kind.UPSTREAM_IMAGE]),
        ("build", (), Docker(has=kind.UPSTREAM_IMAGE), "made:1", []),
        ("auto", ("docker.io=mirror.example/hub",), Docker(gets=MIRRORED), MIRRORED, [MIRRORED]),
        ("auto", ("docker.io=mirror.example/hub",), Docker(has=MIRRORED), MIRRORED, []),
    ],
)
def test_the_node_image_is_pulled_unless_all_is_to_be_built(
    tmp_path: Path,
    parts: str,
    mirror: tuple[str, ...],
    engine: Docker,
    image: str,
    pulled: list[str],
) -> None:
    settings = Settings(parts=parts, mirror=mirror, state_dir=tmp_path)
    cluster = kind.KindCluster(settings, Layouts(tmp_path))  # type: ignore[arg-type]
    cluster._engine = engine  # type: ignore[assignment]
    assert cluster._node_image(private=False) == image
    assert engine.pulled == pulled


def test_kind_neither_takes_over_nor_removes_what_others_made(tmp_path: Path) -> None:
    script = kind_command.write(Folder(tmp_path), Path("/bin/echo"), docker.environment())

    def said(*arguments: str) -> str:
        command = [script, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert said("get", "clusters") == ""
    assert said("create", "cluster", "--name=a b") == "create cluster --name=a b --retain\n"
    assert said("export", "logs") == "export logs\n"
