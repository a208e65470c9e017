"""A platform that people use, its loss, and what came back: acts one after another."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp

from conformance.apps.base import Instance, Seed, SeedScale
from conformance.apps.deployment import title_of
from conformance.capabilities.disaster_recovery.contents import namespaces_of
from conformance.capabilities.disaster_recovery.recovery import (
    restore_configuration,
    restore_data,
)
from conformance.common.errors import HarnessError
from conformance.kube.apply import apply
from conformance.platform.generated_secrets import digests, generated_secrets
from conformance.platform.reference import ReferenceStack
from conformance.platform.snapshots import install_levels
from conformance.suite.accounts import Accounts
from conformance.suite.background import Background
from conformance.suite.described import object_store_of

if TYPE_CHECKING:
    from concurrent.futures import Future

    from conformance.apps.base import App
    from conformance.apps.images import BuiltImage
    from conformance.kube.objects import Object
    from conformance.platform.clients import Clients
    from conformance.platform.secondary import SecondaryClusters
    from conformance.platform.site import Site
    from conformance.platform.stack import Stack
    from conformance.services.login_pages import User

LOST, RECOVERED = "lost", "recovered"
"""Purposes of the two clusters."""
BACKUP = "before-the-loss"
END_SECONDS = 60.0
"""Within which an act must fail once its cluster is gone. A dead connection is noticed after 11 s,
and the client of the bucket asks five more times."""
TITLE = "Chosen before the loss"
"""The app's title, by an override that is on the cluster alone."""
_TOTP_SECRET = re.compile(r'id="totp-secret"[^>]*>([^<]+)<')


@dataclass(frozen=True)
class Life:
    """What there was before the loss, and what is known of it."""

    user: User
    authenticator: pyotp.TOTP
    seed: Seed
    secrets: Mapping[str, str]
    """SHA-256 of the data of each generated Secret, by ``NAMESPACE/NAME``."""
    bucket_key: Object
    """The Secret with the bucket's credentials, as an operator has kept them elsewhere."""
    backup: Object
    volumes: int
    """How many the backup has."""


@dataclass(frozen=True)
class Recovery:
    """The platform that came back."""

    site: Site
    seconds: float
    """From the command that starts an empty server to the app's answer."""
    age: float
    """Seconds from the beginning of the backup to the loss."""
    restored: int
    """Bytes that were in the bucket."""


class Disaster:
    """One platform's life, loss and recovery, in the background.

    ``root`` has the charts/ and fixtures/ that it is made of, ``bucket`` is a folder for what was
    in the object store: of the cluster that is lost, nothing else is left.
    """

    def __init__(
        self,
        clusters: SecondaryClusters,
        app: App,
        image: Future[BuiltImage],
        root: Path,
        bucket: Path,
    ) -> None:
        self._clusters = clusters
        self._app = app
        self._image = image
        self._root = root
        self._bucket = bucket
        self._acts = Background()
        self.life = self._acts.then(self._live)
        """The platform is there, people use it, and it is backed up."""
        self._lost_at = self._acts.then(self._lose)
        self.recovery = self._acts.then(self._recover)
        """Another platform is there, made of the repository and the bucket."""

    def end(self) -> None:
        """Take both clusters away; what goes on there fails because of that.

        Returns when no act uses the folder of the bucket any more. Raises HarnessError.
        """
        self._acts.stop()
        for purpose in (LOST, RECOVERED):
            self._clusters.end(purpose)
        if not self.life.done():  # nor did an act begin that uses the folder
            return
        if not self._acts.wait(END_SECONDS):
            raise HarnessError(
                f"the loss of the server, or the recovery, still goes on {END_SECONDS:g} s after "
                f"its clusters were taken away; it may leave files in {self._bucket}",
                "nothing: the next run removes them",
            )

    def instance(self, site: Site) -> Instance:
        """Return the app on one of the platforms."""
        platform, name = site.stack.clients.platform, self._app.name
        return Instance(
            kube=site.kube,
            namespace=platform.apps,
            selector=f"app.kubernetes.io/instance={name}",
            base_url=f"https://{name}.{platform.domain}",
            session=site.stack.http(),
            container=name,
        )

    def accounts(self, site: Site) -> Accounts:
        """Return what makes people on one of the platforms, and lets them log in."""
        clients, name = site.stack.clients, self._app.name
        return Accounts(clients, site.stack.http, clients.platform.apps, {name: name})

    def title(self, site: Site) -> str:
        """Return the title of the app's first page."""
        return title_of(site.stack.http().get_routed(f"{self.instance(site).base_url}/").text)

    def _live(self) -> Life:
        site = self._clusters.begin(LOST, install_levels, self._root).result()
        clients, accounts = site.stack.clients, self.accounts(site)
        apply(site.kube, self._override(clients))
        self._deliver(site)
        user = accounts.user("zoe")
        authenticator = self._uses(accounts, user)
        seed = self._app.seed(self.instance(site), SeedScale.SMALL)
        self._app.verify(self.instance(site), seed)
        secrets = digests(clients.kube, generated_secrets(clients.kube, namespaces_of(clients)))
        velero = clients.velero()
        [schedule] = velero.schedules()
        velero.back_up_as(schedule, BACKUP)
        backup = velero.completed("Backup", BACKUP)
        volumes = len(velero.volumes(backup))
        key = _reference(site.stack).bucket_credentials()
        return Life(user, authenticator, seed, secrets, key, backup, volumes)

    def _uses(self, accounts: Accounts, user: User) -> pyotp.TOTP:
        """Let somebody log in to the app, and set up a second factor; return that."""
        login_client = accounts.login_client(user)
        url = f"https://{self._app.name}.{accounts.domain}"
        login_client.walk(f"{url}{self._app.login.path}", "")
        profile = login_client.browser.http.get(f"{url}{self._app.login.profile}")
        assert user.email in profile.text, f"not known to the app: {profile.text[:200]}"
        settings = login_client.browser.open(f"{accounts.dashboard}/web/settings")
        [secret] = _TOTP_SECRET.findall(settings.text)
        accounts.kube.redactor.learn_value(secret)
        authenticator = pyotp.TOTP(secret)
        login_client.give(settings, totp_code=authenticator.now(), method="totp")
        found = accounts.kratos.get(user.id).credentials
        assert "totp" in found, f"there is no second factor, only {sorted(found)}"
        return authenticator

    def _lose(self) -> float:
        """Delete the cluster with its disk; what was in the bucket is elsewhere."""
        site = self._clusters.begin(LOST).result()
        object_store_of(site.stack.clients).save_to(self._bucket)
        self._clusters.end(LOST)
        return time.time()

    def _recover(self) -> Recovery:
        life, began = self.life.result(), time.monotonic()
        site = self._clusters.begin(
            RECOVERED,
            lambda stack: _reference(stack).backups_with(life.bucket_key),
            self._root,
        ).result()
        clients = site.stack.clients
        object_store_of(clients).load_from(self._bucket)
        clients.velero().synced(BACKUP, volumes=life.volumes)
        restore_configuration(clients, BACKUP)
        self._push_image(site)
        restore_data(clients, BACKUP)
        self._deliver(site)
        seconds = time.monotonic() - began
        backed_up = life.backup["status"]["startTimestamp"]
        age = self._lost_at.result() - datetime.fromisoformat(backed_up).timestamp()
        restored = sum(path.stat().st_size for path in self._bucket.rglob("*") if path.is_file())
        return Recovery(site, seconds, age, restored)

    def _deliver(self, site: Site) -> None:
        """Let Flux install the app, and what it needs; returns when it is served."""
        self._push_image(site)
        _reference(site.stack).app(self._app.name)
        ready = f"{self.instance(site).base_url}/health/ready"
        site.stack.http().get_routed(ready).raise_for_status()

    def _push_image(self, site: Site) -> None:
        image = self._image.result()
        site.cluster.push_image(image.layout, f"{image.repository}:{image.version}")

    def _override(self, clients: Clients) -> Object:
        name = f"stackspin-{self._app.name}-override"
        metadata = {"name": name, "namespace": clients.platform.apps}
        data = {"values.yaml": f"title: {TITLE}\n"}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _reference(stack: Stack) -> ReferenceStack:
    assert isinstance(stack, ReferenceStack), "claims recovery, and is not the reference platform"
    return stack
