"""What a Dockerfile's build is given, without building anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from conformance.components import buildah


class Recorder:
    """Runs nothing, and keeps buildah's arguments."""

    def __init__(self) -> None:
        self.builds: list[list[str]] = []

    def run(self, argv: Sequence[str | Path], **_: object) -> str:
        words = [str(word) for word in argv]
        if "build" in words:
            self.builds.append(words)
        return ""


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.setattr(buildah, "ensure_packages", lambda *_, **__: None)
    monkeypatch.setattr(buildah, "layout_from_dir", lambda *_: None)
    return Recorder()


def arguments(recorder: Recorder, context: Path) -> list[str]:
    """Return what buildah build gets."""
    buildah.build_image(
        context,
        tag="example:1",
        base_layouts={},
        output=context / "output",
        storage=context / "storage",
        runner=recorder,
    )
    return recorder.builds[0]


def test_a_build_can_mount_the_authorities_that_the_machine_trusts(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "authorities.crt"
    bundle.write_text("-----BEGIN CERTIFICATE-----\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))

    assert f"--secret=id=ca-certificates,src={bundle}" in arguments(recorder, tmp_path)


def test_a_machine_without_authorities_builds_without_them(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.crt"))

    assert not [one for one in arguments(recorder, tmp_path) if one.startswith("--secret")]
