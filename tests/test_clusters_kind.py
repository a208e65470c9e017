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


def test_kind_neither_takes_over_nor_removes_what_others_made(tmp_path: Path) -> None:
    script = kind_command.write(Folder(tmp_path), Path("/bin/echo"), docker.environment())

    def said(*arguments: str) -> str:
        command = [script, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert said("get", "clusters") == ""
    assert said("create", "cluster", "--name=a b") == "create cluster --name=a b --retain\n"
    assert said("export", "logs") == "export logs\n"
