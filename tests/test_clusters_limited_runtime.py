"""What a container may not ask of a host that lacks it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.clusters.kind import limited_runtime

ALL = (1 << len(limited_runtime.NAMES)) - 1
RESOURCE = 1 << limited_runtime.NAMES.index("SYS_RESOURCE")


def test_capabilities_are_those_of_the_bounding_set() -> None:
    held = limited_runtime.capabilities(f"CapEff:\t0\nCapBnd:\t{ALL & ~RESOURCE:016x}\nX: 1\n")
    assert "CAP_SYS_ADMIN" in held
    assert "CAP_SYS_RESOURCE" not in held


def test_a_process_keeps_what_the_host_holds() -> None:
    process = {"capabilities": {"bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"]}, "oomScoreAdj": -9}
    limited_runtime.limit(process, {"CAP_CHOWN"})
    assert process == {"capabilities": {"bounding": ["CAP_CHOWN"]}, "oomScoreAdj": 0}


def test_on_a_host_with_everything_nothing_changes() -> None:
    process = {"capabilities": {"bounding": ["CAP_SYS_RESOURCE"]}, "oomScoreAdj": -9}
    limited_runtime.limit(process, {"CAP_SYS_RESOURCE"})
    assert process == {"capabilities": {"bounding": ["CAP_SYS_RESOURCE"]}, "oomScoreAdj": -9}


@pytest.mark.parametrize(
    ("file", "arguments", "key"),
    [
        ("config.json", ["--root", "/x", "create", "--bundle", "FOLDER", "id"], "process"),
        ("config.json", ["run", "--bundle=FOLDER", "id"], "process"),
        ("process.json", ["exec", "--process", "FOLDER/process.json", "id"], None),
        ("process.json", ["exec", "-p", "FOLDER/process.json", "id"], None),
    ],
)
def test_runc_gets_the_rewritten_process_and_the_same_arguments(
    tmp_path: Path, file: str, arguments: list[str], key: str | None
) -> None:
    runc = tmp_path / "runc"
    runc.write_text('#!/bin/sh\necho "$@"\n')
    runc.chmod(0o755)
    process = {"capabilities": {"bounding": ["CAP_CHOWN", "CAP_OF_THE_FUTURE"]}}
    (tmp_path / file).write_text(json.dumps({key: process} if key else process))
    words = [word.replace("FOLDER", str(tmp_path)) for word in arguments]
    answer = subprocess.run(
        [sys.executable, "-I", limited_runtime.__file__, *words],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.split() == words
    written = json.loads((tmp_path / file).read_text())
    bounding = (written[key] if key else written)["capabilities"]["bounding"]
    assert "CAP_OF_THE_FUTURE" not in bounding
