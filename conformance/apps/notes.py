"""The reference app ``notes``: seeded and verified through its API and in its volume."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from conformance.apps import tree
from conformance.apps.base import (
    Configuration,
    Instance,
    Login,
    SecretFile,
    Seed,
    SeedScale,
    Volume,
)

MIB = 1024 * 1024
TEXTS = (
    "Einkaufen: Brötchen & Käse #einkauf",
    'It\'s "quoted" <b>not bold</b> $HOME ${domain} {{ .Values }} #Markup',
    "多言語 メモ #日本語 #Notes",
    "two\nlines\n\n#one #two",
    "🎉 party",
)


@dataclass(frozen=True)
class _Amount:
    files: int
    notes: int
    attachments: int
    large: int
    """MiB of the one large attachment."""


AMOUNTS = {
    SeedScale.SMALL: _Amount(files=40, notes=5, attachments=2, large=1),
    SeedScale.FULL: _Amount(files=3000, notes=50, attachments=10, large=100),
}


class Notes:
    """Implements ``App`` for fixtures/apps/notes and charts/notes."""

    name = "notes"
    image = "docker.io/stackspin/notes"
    configuration = Configuration("/etc/notes", "toml", tomllib.loads, " = ", "NOTES_")
    secret = SecretFile("apiToken", "api-token", "/etc/notes/secrets/api-token")
    login = Login(
        path="/login",
        callback="/oidc/callback",
        profile="/api/me",
        user="#user",
        marker='id="user"',
        logout="#logout",
        api_access="apiToken",
    )
    maintenance_file = "/tmp/maintenance"  # noqa: S108 - in the app's container
    volumes: tuple[Volume, ...] = (
        Volume(
            claim="notes-data",
            pod_volume="data",
            mount_path="/var/lib/notes",
            live=("notes.db", "notes.db-journal", "incoming"),
        ),
    )

    def seed(self, instance: Instance, scale: SeedScale = SeedScale.FULL, number: int = 1) -> Seed:
        """Add notes and attachments as a user does, and files of every kind to the volume."""
        amount, mount = AMOUNTS[scale], self.volumes[0].mount_path
        roots = (f"seed-{number}", f"attachments/seed-{number}")
        notes = [self.add_note(instance, text) for text in _texts(number, amount.notes)]
        attachments = {}
        for item in range(amount.attachments):
            name = f"seed-{number}/größe-{item}.bin"
            attachments[name] = self._add_attachment(instance, name, 1, number * 1000 + item)
        large = f"seed-{number}/large.bin"
        attachments[large] = self._add_attachment(instance, large, amount.large, number)
        tree.grow(instance.run, f"{mount}/{roots[0]}", seed=number, files=amount.files)
        files = tree.describe(instance.run, mount, roots)
        records = {"notes": notes, "attachments": attachments}
        return Seed(number, {mount: files}, {mount: roots}, records)

    def verify(self, instance: Instance, seed: Seed) -> None:
        """Compare volume and API with the seed; raises ``DataDiffers``."""
        differences = []
        for mount, expected in seed.files.items():
            found = tree.describe(instance.run, mount, seed.roots[mount])
            differences += [f"{mount}/{line}" for line in tree.differences(expected, found)]
        differences += self._differing_notes(instance, seed.records["notes"])
        differences += self._differing_attachments(instance, seed.records["attachments"])
        if differences:
            raise tree.DataDiffers(f"data of {self.name} in {instance.namespace}", differences)

    def accepts(self, instance: Instance, secret: str) -> bool:
        """Whether a note is deleted for this token."""
        note = self.add_note(instance, "to be deleted")
        url = f"{instance.base_url}/api/notes/{note['id']}"
        answer = instance.session.delete(url, headers={"X-Api-Token": secret})
        return bool(answer.status_code == requests.codes.no_content)

    def add_note(self, instance: Instance, text: str) -> dict[str, Any]:
        """Add one note; returns it once the app has acknowledged it with 201."""
        response = _ask(instance, "POST", "notes", json={"text": text})
        note: dict[str, Any] = _acknowledged(response).json()
        return note

    def _add_attachment(self, instance: Instance, name: str, mebibytes: int, seed: int) -> str:
        digest = hashlib.sha256()

        def content() -> Iterator[bytes]:
            for chunk in _random_chunks(mebibytes, seed):
                digest.update(chunk)
                yield chunk

        path = f"attachments/{quote(name)}"
        response = _ask(
            instance, "PUT", path, data=content(), timeout=instance.kube.timeouts.transfer
        )
        told = _acknowledged(response).json()["sha256"]
        if told != digest.hexdigest():
            raise tree.DataDiffers("attachment as the app received it", [f"{name}: sha256 {told}"])
        return digest.hexdigest()

    def _differing_notes(self, instance: Instance, expected: list[dict[str, Any]]) -> list[str]:
        response = _ask(instance, "GET", "notes")
        response.raise_for_status()
        found = {note["id"]: note for note in response.json()["notes"]}
        lines = []
        for note in expected:
            actual = found.get(note["id"])
            if actual is None:
                lines.append(f"note {note['id']}: missing")
                continue
            # Schema 2 computes the tags of the notes that schema 1 wrote.
            wanted = {**note, "tags": _tags(note["text"])} if "tags" in actual else note
            lines += [
                f"note {note['id']}: {key} {value!r} -> {actual.get(key)!r}"
                for key, value in wanted.items()
                if actual.get(key) != value
            ]
        return lines

    def _differing_attachments(self, instance: Instance, expected: dict[str, str]) -> list[str]:
        lines = []
        for name, wanted in expected.items():
            path = f"attachments/{quote(name)}"
            with _ask(
                instance, "GET", path, stream=True, timeout=instance.kube.timeouts.transfer
            ) as response:
                if response.status_code != requests.codes.ok:
                    lines.append(f"attachment {name}: status {response.status_code}")
                    continue
                digest = hashlib.sha256()
                for chunk in response.iter_content(MIB):
                    digest.update(chunk)
            if digest.hexdigest() != wanted:
                lines.append(f"attachment {name}: sha256 {wanted} -> {digest.hexdigest()}")
        return lines


def _ask(
    instance: Instance,
    method: str,
    path: str,
    **more: Any,  # noqa: ANN401 - what requests takes
) -> requests.Response:
    """Ask the API as a program does: with the release's token, where it has one."""
    headers = {}
    for secret in instance.kube.list("v1", "Secret", instance.namespace, instance.selector):
        if token := secret.get("data", {}).get("api-token"):
            headers["X-Api-Token"] = base64.b64decode(token).decode()
    url = f"{instance.base_url}/api/{path}"
    return instance.session.request(method, url, headers=headers, **more)


def _acknowledged(response: requests.Response) -> requests.Response:
    if response.status_code != requests.codes.created:
        raise AssertionError(
            f"{response.request.method} {response.url} was answered with"
            f" {response.status_code} instead of 201: {response.text[:500]}"
        )
    return response


def _texts(seed: int, count: int) -> Iterator[str]:
    for number in range(count):
        yield f"{TEXTS[number % len(TEXTS)]} (seed {seed}, {number})"


def _tags(text: str) -> list[str]:
    return sorted({tag.lower() for tag in re.findall(r"#(\w+)", text)})


def _random_chunks(mebibytes: int, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)  # noqa: S311 - to be repeatable, not secret
    for _ in range(mebibytes):
        yield chance.randbytes(MIB)
