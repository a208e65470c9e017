"""The registry client on the real registry, which is built when it is not in the cache."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from conformance.apps.package.chart_fetch import ChartFetcher
from conformance.common.errors import HarnessError
from conformance.common.settings import PROJECT_ROOT, Settings
from conformance.components.builder import Components
from conformance.linter.elsewhere import Origin
from conformance.oci.layout import Entry, Layout
from conformance.oci.registry import Registry
from conformance.oci.registry_storage import place_blobs

NAME = "docker.io/library/tool"


def make_layout(folder: Path, text: bytes = b"content") -> str:
    layout = Layout(folder)
    layout.add_files([Entry("/etc/tool.conf", text)])
    return layout.finish(f"{NAME}:1", entrypoint=("tool",))


def test_push_promote_and_read_back(registry: Registry, tmp_path: Path) -> None:
    digest = make_layout(tmp_path / "oci")
    assert not registry.exists(f"{NAME}:1-test")
    assert registry.tags(NAME) == []
    assert registry.push_layout(tmp_path / "oci", f"{NAME}:1-test") == digest
    assert registry.push_layout(tmp_path / "oci", f"{NAME}:1-test") == digest
    assert registry.digest(f"{NAME}:1-test") == digest
    assert registry.tag(f"{NAME}@{digest}", "1") == digest
    assert registry.tags(NAME) == ["1", "1-test"]
    assert registry.exists(f"{NAME}@{digest}")
    assert registry.config(f"{NAME}:1")["config"]["Entrypoint"] == ["tool"]
    for layer in registry.layers(f"{NAME}:1"):
        with tarfile.open(fileobj=layer, mode="r|*") as archive:
            assert "etc/tool.conf" in [member.name for member in archive]


def test_blobs_that_were_placed_are_not_sent(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = make_layout(tmp_path / "oci")
    place_blobs(tmp_path / "oci", f"{NAME}:1", tmp_path / "storage")
    sent: list[tuple[str, str]] = []

    def asked(session: requests.Session, method: str, url: str, **more: Any) -> requests.Response:
        sent.append((method, urlsplit(url).path.split("/")[-2]))
        return ask(session, method, url, **more)

    ask = requests.Session.request
    monkeypatch.setattr(requests.Session, "request", asked)
    assert registry.push_layout(tmp_path / "oci", f"{NAME}:1") == digest
    assert sent == [("HEAD", "blobs"), ("HEAD", "blobs"), ("PUT", "manifests")]
    for layer in registry.layers(f"{NAME}:1"):
        with tarfile.open(fileobj=layer, mode="r|*") as archive:
            assert "etc/tool.conf" in [member.name for member in archive]


def test_a_damaged_layout_is_refused(registry: Registry, tmp_path: Path) -> None:
    make_layout(tmp_path / "oci")
    largest = max((tmp_path / "oci" / "blobs" / "sha256").iterdir(), key=lambda p: p.stat().st_size)
    largest.write_bytes(b"other bytes")
    with pytest.raises(HarnessError, match="answered 400 to PUT"):
        registry.push_layout(tmp_path / "oci", f"{NAME}:1")
    assert registry.tags(NAME) == []


def test_what_is_not_there_is_named(registry: Registry) -> None:
    with pytest.raises(HarnessError, match=r"answered 404 to GET /none/manifests/1"):
        registry.digest("none:1")


def test_a_chart_that_helm_has_pushed_is_fetched(registry: Registry, tmp_path: Path) -> None:
    helm, chart = Components(Settings()).binary("helm"), PROJECT_ROOT / "charts" / "notes"
    environment = {"HOME": str(tmp_path), "PATH": os.defpath}
    for command in (
        ("package", chart, "--destination", tmp_path),
        ("push", tmp_path / "notes-1.0.0.tgz", f"oci://{registry.address}/charts", "--plain-http"),
    ):
        subprocess.run([helm, *command], env=environment, check=True)
    origin = Origin("notes", f"oci://{registry.address}/charts", "1.0.0", insecure=True)
    fetched = ChartFetcher(tmp_path / "cache")(origin)
    assert fetched.read_bytes() == (tmp_path / "notes-1.0.0.tgz").read_bytes()
