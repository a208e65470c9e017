"""What the suite does with WordPress's two volumes, each in a container of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import requests

from conformance.apps.base import Instance, Seed, SeedScale, volume_manifest
from conformance.apps.wordpress import TEXTS, WordPress
from conformance.common.timeouts import Timeouts
from conformance.kube.client import Kube


@dataclass(frozen=True)
class Containers(Instance):
    """An instance whose containers are this machine; remembers which one ran what."""

    ran: list[tuple[str, str]] = field(default_factory=list)

    def run(self, argv: Sequence[str], stdin: bytes = b"", *, timeout: float = 10) -> bytes:
        self.ran.append((self.container, argv[2] if len(argv) > 2 else argv[0]))
        if argv[0] == "wordpress-application-password":
            return b"s3cret\n"
        command = [sys.executable, *argv[1:]]
        return subprocess.run(
            command, input=stdin, stdout=subprocess.PIPE, check=True, timeout=timeout
        ).stdout


class Site(requests.Session):
    """Answers as WordPress's REST API does, with what it was sent."""

    def request(self, _method: str, url: str, **more: Any) -> requests.Response:  # type: ignore[override]
        response = requests.Response()
        response.status_code = requests.codes.created
        response.url = url
        text = (more.get("json") or {}).get("content", "")
        fields = {"raw": text, "rendered": f"<p>{text}</p>"}
        answer = {"id": 1, "title": fields, "content": fields, "date_gmt": "now", "slug": "s"}
        answer["source_url"] = "https://site.test/wp-content/uploads/file.zip"
        response.json = lambda **_: answer  # type: ignore[method-assign]
        return response


def here(tmp_path: Path) -> tuple[WordPress, Containers]:
    app = WordPress()
    volumes = []
    for volume in WordPress.volumes:
        folder = tmp_path / volume.pod_volume
        folder.mkdir()
        volumes.append(replace(volume, mount_path=str(folder)))
    app.volumes = tuple(volumes)
    no_cluster = cast(Kube, SimpleNamespace(timeouts=Timeouts()))
    site = Containers(no_cluster, "wp", "", "https://site.test", Site(), "wordpress")
    return app, site


def test_each_volume_is_seeded_in_the_container_that_has_it(tmp_path: Path) -> None:
    app, site = here(tmp_path)
    seed: Seed = app.seed(site, SeedScale.SMALL)
    database, content = app.volumes
    assert set(seed.files) == {database.mount_path, content.mount_path}
    where = {path: container for container, path in site.ran if path.startswith(str(tmp_path))}
    assert where[f"{database.mount_path}/seed-1"] == "database"
    assert where[f"{content.mount_path}/seed-1"] == "wordpress"
    assert {post["content"] for post in seed.records["posts"]} >= {f"{TEXTS[2]} (1, 2)"}


def test_files_of_the_running_database_are_left_to_the_app(tmp_path: Path) -> None:
    app, site = here(tmp_path)
    volume = app.volumes[0]
    folder = Path(volume.mount_path)
    (folder / "data" / "wordpress").mkdir(parents=True)
    (folder / "data" / "wordpress" / "wp_posts.ibd").write_bytes(b"1")
    (folder / "data-sheet").write_bytes(b"2")
    assert set(volume_manifest(site, volume)) == {".", "data-sheet"}
