"""The app ``wordpress``: seeded and verified through its REST API and in its two volumes."""

from __future__ import annotations

import hashlib
import itertools
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
import yaml

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
ADMINISTRATOR = "admin"
"""Login name of whom the chart makes the administrator."""
TEXTS = (
    "Einkaufen: Brötchen & Käse",
    'It\'s "quoted" <b>bold</b> $HOME ${domain} {{ .Values }} C:\\dir',
    "多言語 記事",
    "two\nlines\n\n<!-- wp:paragraph --><p>one</p><!-- /wp:paragraph -->",
    "🎉 party",
)

Json = dict[str, Any]
Credential = tuple[str, str]


@dataclass(frozen=True)
class _Amount:
    files: int
    """In each volume."""
    posts: int
    uploads: int
    large: int
    """MiB of the one large upload."""


AMOUNTS = {
    SeedScale.SMALL: _Amount(files=40, posts=3, uploads=1, large=1),
    SeedScale.FULL: _Amount(files=1000, posts=20, uploads=5, large=50),
}


class WordPress:
    """Implements ``App`` for fixtures/apps/wordpress and charts/wordpress."""

    name = "wordpress"
    image = "docker.io/stackspin/wordpress"
    configuration = Configuration("/etc/wordpress", "yaml", yaml.safe_load, ": ", "WORDPRESS_")
    secret = SecretFile("admin", "admin-password", "/etc/wordpress/secrets/admin-password")
    login = Login(
        path="/wp-login.php",
        callback="/oidc/redirect_uri",
        profile="/wp-admin/profile.php",
        user="#wp-admin-bar-my-account .display-name",
        marker="wp-admin-bar-my-account",
        logout="#wp-admin-bar-logout a",
    )
    maintenance_file = "/tmp/maintenance"  # noqa: S108 - in the app's container
    volumes: tuple[Volume, ...] = (
        Volume(
            claim="wordpress-database",
            pod_volume="database",
            mount_path="/var/lib/mysql",
            live=("data", "data.replaced", "dump"),
            container="database",
        ),
        Volume(claim="wordpress-content", pod_volume="content", mount_path="/var/lib/wordpress"),
    )

    def seed(self, instance: Instance, scale: SeedScale = SeedScale.FULL, number: int = 1) -> Seed:
        """Publish posts and upload files as an author does; put files into both volumes."""
        amount = AMOUNTS[scale]
        credential = self.application_password(instance)
        texts = (f"{TEXTS[item % len(TEXTS)]} ({number}, {item})" for item in range(amount.posts))
        posts = [self.publish(instance, credential, text) for text in texts]
        sizes = {f"seed-{number}-{item}.zip": MIB for item in range(amount.uploads)}
        sizes[f"seed-{number}-large.zip"] = amount.large * MIB
        uploads = dict(
            self._upload(instance, credential, name, size) for name, size in sizes.items()
        )
        root = f"seed-{number}"
        files = {}
        for volume in self.volumes:
            run = instance.holding(volume).run
            path = f"{volume.mount_path}/{root}"
            tree.grow(run, path, seed=number, files=amount.files)
            files[volume.mount_path] = tree.describe(run, volume.mount_path, [root])
        records = {"credential": credential, "posts": posts, "uploads": uploads}
        return Seed(number, files, dict.fromkeys(files, (root,)), records)

    def verify(self, instance: Instance, seed: Seed) -> None:
        """Compare volumes and API with the seed; raises ``DataDiffers``."""
        differences = []
        for volume in self.volumes:
            mount = volume.mount_path
            found = tree.describe(instance.holding(volume).run, mount, seed.roots[mount])
            lines = tree.differences(seed.files[mount], found)
            differences += [f"{mount}/{line}" for line in lines]
        differences += self._differing_posts(instance, seed.records)
        differences += self._differing_uploads(instance, seed.records["uploads"])
        if differences:
            raise tree.DataDiffers(f"data of {self.name} in {instance.namespace}", differences)

    def accepts(self, instance: Instance, secret: str) -> bool:
        """Whether the administrator can log in with this password."""
        form = {"log": ADMINISTRATOR, "pwd": secret}
        url = f"{instance.base_url}/wp-login.php"
        answer = instance.session.post(url, data=form, allow_redirects=False)
        # Or this would be whom WordPress takes later requests for, whatever they bring.
        instance.session.cookies.clear()
        return bool(answer.status_code == requests.codes.found)

    def application_password(self, instance: Instance) -> Credential:
        """Return a credential of the administrator for the REST API, made inside the container."""
        told = instance.run(["wordpress-application-password", "conformance suite"])
        return ADMINISTRATOR, told.decode().strip()

    def publish(self, instance: Instance, credential: Credential, text: str) -> Json:
        """Publish a post; returns it, as an editor sees it, once WordPress has acknowledged it."""
        post = {"title": text.partition("\n")[0], "content": text, "status": "publish"}
        response = _ask(instance, credential, "POST", "posts", json=post)
        return _created(response, ("id", "title", "content", "date_gmt", "slug"))

    def titles(
        self, instance: Instance, credential: Credential, text: str
    ) -> list[tuple[str, datetime]]:
        """Return title and time of every post with ``text`` in it, in the order of their making."""
        wanted = f"search={text}&context=edit&orderby=id&order=asc&per_page=100"
        found: list[Json] = []
        for page in itertools.count(1):
            answer = _ask(instance, credential, "GET", f"posts?{wanted}&page={page}")
            answer.raise_for_status()
            found += answer.json()
            if page >= int(answer.headers["X-WP-TotalPages"]):
                break
        return [
            (post["title"]["raw"], datetime.fromisoformat(post["date_gmt"]).replace(tzinfo=UTC))
            for post in found
        ]

    def loaded_dump(self, instance: Instance) -> datetime | None:
        """Return when the dump was made from which the database made its data; None: from none."""
        pod = instance.pod()["metadata"]["name"]
        log = instance.kube.logs(instance.namespace, pod, container=self.volumes[0].container)
        told = re.search(r"loads the dump of (\S+)", log)
        return datetime.fromisoformat(told[1]) if told else None

    def _upload(
        self, instance: Instance, credential: Credential, name: str, size: int
    ) -> tuple[str, str]:
        """Upload random bytes; returns their path at the site and their SHA-256."""
        content = random.Random(name).randbytes(size)  # noqa: S311 - to be repeatable, not secret
        files = {"file": (name, content, "application/zip")}
        response = _ask(
            instance,
            credential,
            "POST",
            "media",
            files=files,
            timeout=instance.kube.timeouts.transfer,
        )
        url = urlsplit(_created(response, ("source_url",))["source_url"])
        return url.path, hashlib.sha256(content).hexdigest()

    def _differing_posts(self, instance: Instance, records: Mapping[str, Any]) -> Iterator[str]:
        for post in records["posts"]:
            path = f"posts/{post['id']}?context=edit"
            response = _ask(instance, records["credential"], "GET", path)
            if response.status_code != requests.codes.ok:
                yield f"post {post['id']}: status {response.status_code}"
                continue
            found = _selected(response.json(), post)
            yield from (
                f"post {post['id']}: {key} {post[key]!r} -> {found[key]!r}"
                for key in post
                if found[key] != post[key]
            )

    def _differing_uploads(self, instance: Instance, uploads: Mapping[str, str]) -> Iterator[str]:
        for path, wanted in uploads.items():
            url = f"{instance.base_url}{path}"
            with instance.session.get(
                url, stream=True, timeout=instance.kube.timeouts.transfer
            ) as response:
                if response.status_code != requests.codes.ok:
                    yield f"upload {path}: status {response.status_code}"
                    continue
                digest = hashlib.sha256()
                for chunk in iter(partial(response.raw.read, MIB), b""):
                    digest.update(chunk)
            if digest.hexdigest() != wanted:
                yield f"upload {path}: sha256 {wanted} -> {digest.hexdigest()}"


def _ask(
    instance: Instance,
    credential: Credential,
    method: str,
    path: str,
    **more: Any,  # noqa: ANN401 - what requests takes
) -> requests.Response:
    """Ask the REST API as the administrator."""
    # As the ingress does, for a copy that none leads to: passwords are taken over https alone.
    headers = {"X-Forwarded-Proto": "https"}
    url = f"{instance.base_url}/wp-json/wp/v2/{path}"
    return instance.session.request(method, url, headers=headers, auth=credential, **more)


def _created(response: requests.Response, keys: tuple[str, ...]) -> Json:
    if response.status_code != requests.codes.created:
        raise AssertionError(
            f"{response.request.method} {response.url} was answered with"
            f" {response.status_code} instead of 201: {response.text[:500]}"
        )
    return _selected(response.json(), keys)


def _selected(answer: Mapping[str, Any], keys: Iterable[str]) -> Json:
    """Return these fields, of texts only what was written: what is shown depends on the theme."""
    return {
        key: answer[key]["raw"] if isinstance(answer[key], dict) else answer[key] for key in keys
    }
