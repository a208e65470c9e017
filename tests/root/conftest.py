"""Tests that need root, most for real nodes: only as root, and only if asked for (``-m root``)."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from host import wait_for

from conformance.common.settings import Settings
from conformance.components.builder import Components
from conformance.oci.registry import Registry

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.root)


@pytest.fixture(autouse=True)
def root() -> None:
    if os.geteuid() != 0:
        pytest.fail("these tests need root")


@pytest.fixture(autouse=True)
def no_docker_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """None answers, whatever this machine has: somebody's own engine is no place for tests."""
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """The registry that nodes have, empty, on this machine."""
    components = Components(Settings())
    configuration = tmp_path / "registry.yaml"
    storage = {"filesystem": {"rootdirectory": str(tmp_path / "storage")}}
    configuration.write_text(
        json.dumps({"version": "0.1", "storage": storage, "http": {"addr": "127.0.0.1:0"}})
    )
    log = (tmp_path / "log").open("wb")

    def address() -> str | None:
        """Where it listens, as it says."""
        said = re.search(r"listening on (127\.0\.0\.1:\d+)", (tmp_path / "log").read_text())
        return said and said[1]

    command = [components.binary("registry"), "serve", configuration]
    with log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_for(address)
            yield Registry(address() or "")
        finally:
            process.terminate()
