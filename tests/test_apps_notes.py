"""Seeding and verifying the real app, running on this machine instead of in a pod."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from notes_server import Host, build

from conformance.apps.base import Instance, Seed, SeedScale, volume_manifest
from conformance.apps.notes import Notes
from conformance.apps.tree import DataDiffers
from conformance.common.timeouts import Timeouts
from conformance.kube.client import Kube


class Here(Instance):
    """An instance whose container is this machine."""

    def run(self, argv: Sequence[str], stdin: bytes = b"", *, timeout: float = 10) -> bytes:
        return subprocess.run(
            [sys.executable, *argv[1:]],
            input=stdin,
            stdout=subprocess.PIPE,
            check=True,
            timeout=timeout,
        ).stdout


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("notes")
    made = Host(folder)
    made.serve(build(folder / "v1", "1.0.0"))
    yield made
    made.kill()


class NoSecrets:
    """A cluster without any."""

    timeouts = Timeouts()

    def list(self, *_: object, **__: object) -> list[object]:
        return []


@pytest.fixture
def instance(host: Host) -> Here:
    no_cluster = cast(Kube, NoSecrets())
    return Here(no_cluster, "notes", "", host.url, host.session, "notes")


@pytest.fixture
def notes(host: Host) -> Notes:
    app = Notes()
    app.volumes = (replace(Notes.volumes[0], mount_path=str(host.data)),)
    return app


def change_byte(host: Host, seed: Seed) -> None:
    path = host.data / "attachments" / f"seed-{seed.number}" / "large.bin"
    with path.open("r+b") as file:
        file.seek(500_000)
        byte = file.read(1)
        file.seek(500_000)
        file.write(bytes((byte[0] ^ 1,)))


def change_note(host: Host, seed: Seed) -> None:
    with closing(sqlite3.connect(host.data / "notes.db")) as database:
        number = seed.records["notes"][1]["id"]
        database.execute("UPDATE notes SET text = 'other' WHERE id = ?", (number,))
        database.commit()


def delete_note(host: Host, seed: Seed) -> None:
    number = seed.records["notes"][2]["id"]
    host.session.delete(f"{host.url}/api/notes/{number}").raise_for_status()


@pytest.mark.parametrize(
    ("number", "damage", "told"),
    [
        (11, change_byte, (r"attachments/seed-11/large\.bin: sha256 ", r"attachment seed-11/")),
        (12, change_note, (r"note \d+: text .* -> 'other'",)),
        (13, delete_note, (r"note \d+: missing",)),
    ],
)
def test_damage_is_noticed(
    notes: Notes,
    instance: Here,
    host: Host,
    number: int,
    damage: Callable[[Host, Seed], None],
    told: tuple[str, ...],
) -> None:
    seed = notes.seed(instance, SeedScale.SMALL, number)
    notes.verify(instance, seed)
    damage(host, seed)
    with pytest.raises(DataDiffers) as caught:
        notes.verify(instance, seed)
    assert len(caught.value.differences) == len(told)
    for line in told:
        assert re.search(line, str(caught.value))


def test_seed_is_found_again_after_sigkill_and_upgrade(
    notes: Notes, instance: Here, host: Host, tmp_path: Path
) -> None:
    seed = notes.seed(instance, SeedScale.SMALL)
    other = notes.seed(instance, SeedScale.SMALL, number=2)
    before = volume_manifest(instance, notes.volumes[0])
    host.kill()
    v2 = build(tmp_path / "v2", "2.0.0")
    assert host.run(v2, "migrate").returncode == 0
    host.serve(v2)
    notes.verify(instance, seed)
    notes.verify(instance, other)
    assert volume_manifest(instance, notes.volumes[0]) == before
