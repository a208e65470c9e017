"""The sweep finds a secret in every form a leak takes, and nothing else."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from conformance.common.redaction import Redactor
from conformance.report.sweep import SHORTEST, PlantedSecret, sweep

SECRET = PlantedSecret()
(VALUE,) = SECRET.values
OPAQUE = "ory_rt_" + "Xy3_-" * 9 + ".Zq7"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "leak",
    [
        VALUE.encode(),
        f"https://admin:{VALUE}@git.example/".encode(),
        json.dumps({"password": encoded(VALUE)}).encode(),
        encoded(f"u:{VALUE}").encode(),
        encoded(f"us:{VALUE}\n").encode(),
        encoded(f"use:{VALUE}@host and more").encode(),
        b"\x89PNG\0\xff" + VALUE.encode(),
        b"\0 refresh_token=" + OPAQUE.encode(),
    ],
    ids=[
        "alone", "in an address", "encoded", *[f"encoded after {n} bytes" for n in (2, 3, 4)],
        "after an image", "an opaque token",
    ],
)  # fmt: skip
def test_a_leak_is_found_whatever_is_around_it(tmp_path: Path, leak: bytes) -> None:
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "leak").write_bytes(b"before " + leak + b" after")
    (tmp_path / "report.json").write_text('{"password": "***"}')
    assert sweep(tmp_path, SECRET.values, []) == ["evidence/leak"]


def test_every_secret_the_redactor_learnt_is_looked_for(tmp_path: Path) -> None:
    redactor = Redactor()
    redactor.learn({"stringData": {"password": "correct-horse", "pin": "1234"}})
    (tmp_path / "report.html").write_text("opened with correct-horse")
    (tmp_path / "report.json").write_text('{"sha256": "ab1234"}')
    assert sweep(tmp_path, [], redactor.learnt(SHORTEST)) == ["report.html"]


def test_nothing_is_found_after_redaction(tmp_path: Path) -> None:
    redactor = Redactor()
    redactor.learn(SECRET.manifest("somewhere"))
    leaks = f"{VALUE} {OPAQUE} callback?code={OPAQUE} Cookie: __Host-notes={OPAQUE}"
    (tmp_path / "log").write_text(redactor.redact(leaks))
    assert sweep(tmp_path, SECRET.values, redactor.learnt(SHORTEST)) == []


def test_two_runs_plant_different_values() -> None:
    assert PlantedSecret().values != SECRET.values
