"""The sweep finds a secret in every form a leak takes, and nothing else."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, cast

import pytest

from conformance.common.redaction import Redactor
from conformance.kube.client import Kube
from conformance.kube.errors import Forbidden
from conformance.kube.explain import learn_secrets
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


NAME = "notes-given-9"
VALUES = f"""
hostname: {NAME}.stackspin.test
persistence: {{volume: {NAME}-data}}
issuer: https://login.stackspin.test/
database: {{password: word-{NAME}, url: {NAME}-database.apps}}
token: {NAME}
"""


class Cluster:
    """One with an app, whose values are in a Secret; it cannot list ConfigMaps."""

    def list(self, _: str, kind: str) -> list[dict[str, Any]]:
        """Return the objects of a kind."""
        labels = {"name": NAME, "owner": "helm"}
        found: dict[str, dict[str, Any]] = {
            "Secret": {
                "metadata": {"name": "values", "namespace": "apps", "labels": labels},
                "stringData": {"values.yaml": VALUES, "CLIENT_ID": "notes-client"},
            },
            "PersistentVolumeClaim": {"metadata": {"name": f"{NAME}-data", "namespace": "apps"}},
            "Service": {"metadata": {"name": f"{NAME}-database", "namespace": "apps"}},
            "Ingress": {
                "metadata": {"name": "login", "namespace": "stackspin"},
                "spec": {"rules": [{"host": "login.stackspin.test"}]},
            },
        }
        if kind not in found:
            raise Forbidden("GET configmaps", 403, "Forbidden", "not for you")
        return [found[kind]]


def test_what_objects_are_called_is_no_secret_though_a_secret_holds_it(tmp_path: Path) -> None:
    """An app's name once counted as a leak: ``asked.txt`` was written before it was learnt."""
    redactor = Redactor()
    names = f"GET {NAME}.stackspin.test, claim {NAME}-data, https://login.stackspin.test/, "
    names += f"{NAME} {encoded(NAME)} notes-client"
    (tmp_path / "asked.txt").write_text(names)
    (tmp_path / "leak.txt").write_text(f"opened with word-{NAME}")
    redactor.learn_value(f"{NAME}-data")  # when there was no such claim yet
    learn_secrets(cast("Kube", Cluster()), redactor)
    assert sweep(tmp_path, [], redactor.learnt(SHORTEST)) == ["leak.txt"]
    assert redactor.redact(names) == names
    assert redactor.redact(f"word-{NAME}") == "***"


def test_nothing_is_found_after_redaction(tmp_path: Path) -> None:
    redactor = Redactor()
    redactor.learn(SECRET.manifest("somewhere"))
    leaks = f"{VALUE} {OPAQUE} callback?code={OPAQUE} Cookie: __Host-notes={OPAQUE}"
    (tmp_path / "log").write_text(redactor.redact(leaks))
    assert sweep(tmp_path, SECRET.values, redactor.learnt(SHORTEST)) == []


def test_two_runs_plant_different_values() -> None:
    assert PlantedSecret().values != SECRET.values
