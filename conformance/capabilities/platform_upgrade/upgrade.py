"""A platform that people use, and its upgrade by a push: acts one after another."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.apps.base import Instance, SeedScale
from conformance.capabilities.platform_upgrade.api_versions import removed_versions
from conformance.capabilities.platform_upgrade.applied import wait_until_applied
from conformance.capabilities.platform_upgrade.going_back import (
    Outcome,
    outcome,
    wait_until_settled,
)
from conformance.capabilities.platform_upgrade.interruption import (
    kill_node_mid_upgrade,
    wait_until_running,
)
from conformance.capabilities.platform_upgrade.old_backup import COPIES, OldBackup
from conformance.capabilities.platform_upgrade.person import Asked, Person
from conformance.capabilities.platform_upgrade.release import PURPOSE
from conformance.capabilities.platform_upgrade.state import State
from conformance.capabilities.platform_upgrade.visits import (
    DISCOVERY,
    Visit,
    pages_of_apps,
    seen,
    visited,
)
from conformance.common.errors import HarnessError
from conformance.kube.wait import WaitFailed
from conformance.platform.reference import ReferenceStack
from conformance.suite.accounts import Accounts
from conformance.suite.backed_up_app import reached
from conformance.suite.background import Background

if TYPE_CHECKING:
    import requests

    from conformance.apps.base import App, Seed
    from conformance.apps.images import BuiltImage
    from conformance.capabilities.platform_upgrade.release import Releases
    from conformance.platform.secondary import SecondaryClusters
    from conformance.platform.site import Site
    from conformance.platform.stack import Stack


@dataclass(frozen=True)
class Life:
    """What there was before the upgrade."""

    site: Site
    state: State
    person: Person
    asked: Asked
    """What the person has to give to get to the app."""
    seed: Seed | None
    """What is in the app; None: the suite knows no app of the platform."""
    backup: OldBackup | None
    """Of the apps; None: there is nothing in them that could be compared."""
    removed: list[str]
    """What is stored in a version of its API that the next release does not have, one line each."""


@dataclass(frozen=True)
class Move:
    """What came of the push."""

    seconds: float
    """From the push until all of the platform was Ready, or had failed."""
    state: State
    visits: list[Visit]
    problem: str
    """Why not all of it is Ready as pushed; empty if it is."""


@dataclass(frozen=True)
class Return:
    """What came of the push of the release before over the next one."""

    move: Move
    outcome: Outcome


class Upgrade:
    """One platform's life and upgrade, in the background."""

    def __init__(
        self,
        clusters: SecondaryClusters,
        releases: Releases,
        app: App,
        image: Future[BuiltImage],
        say: Callable[[str], None],
    ) -> None:
        self._clusters = clusters
        self._releases = releases
        self._app = app
        self._image = image
        self._say = say
        self._acts = Background()
        self.life = self._acts.then(self._live)
        """The previous release is there, and people use it."""
        self.move = self._acts.then(self._move)
        """The next release was pushed, and is in place, or has failed."""

    # The following begin when they are first asked for: they change what other checks look at.

    @functools.cached_property
    def back(self) -> Future[Return]:
        """The release before was pushed over the next one."""
        return self._acts.then(self._go_back)

    @functools.cached_property
    def again(self) -> Future[Move]:
        """After that, the next one was pushed again, and the node killed in the midst of it."""
        self.back  # noqa: B018 - begins before
        return self._acts.then(self._upgrade_again)

    def done(self) -> tuple[Life, Move]:
        """Return what was before and is after; raises ``AssertionError`` if the upgrade failed."""
        life, move = self.life.result(), self.move.result()
        assert not move.problem, f"the upgrade failed: {move.problem}"
        return life, move

    def verify(self) -> None:
        """Raise ``DataDiffers`` unless the app's data is there, and unchanged."""
        life, _ = self.done()
        assert life.seed is not None, "nothing was put into the app"
        self._app.verify(self._instance(life.site), life.seed)

    def verify_copy(self) -> None:
        """Raise ``DataDiffers`` unless the data is in what was restored of the old backup."""
        life, _ = self.done()
        assert life.seed is not None, "nothing was put into the app"
        there = self._instance(life.site)
        host = there.base_url.removeprefix("https://")
        with reached(replace(there, namespace=COPIES), host) as copy:
            self._app.verify(copy, life.seed)

    def end(self) -> None:
        """Take the cluster away; what goes on there fails because of that."""
        self._acts.stop()
        self._clusters.end(PURPOSE)

    def _live(self) -> Life:
        site = self._releases.install(self._clusters).result()
        clients = site.stack.clients
        accounts = Accounts(clients, site.stack.http, clients.platform.apps, {})
        seed = self._seeded(site)
        backup = self._backed_up(site) if seed is not None else None
        person = Person.joins(accounts)
        asked = person.goes_to_app()
        removed = removed_versions(site.kube, self._releases.files())
        return Life(site, State.of(site.kube), person, asked, seed, backup, removed)

    def _seeded(self, site: Site) -> Seed | None:
        """Let Flux install the app, and put data into it, where it is one of the platform's."""
        if not isinstance(site.stack, ReferenceStack):
            return None
        image = self._image.result()
        site.cluster.push_image(image.layout, f"{image.repository}:{image.version}")
        site.stack.app(self._app.name)
        self._wait_served(site)
        return self._app.seed(self._instance(site), SeedScale.SMALL)

    def _backed_up(self, site: Site) -> OldBackup:
        """Back up the apps; returns when this one, which writes nothing meanwhile, is served."""
        backup = OldBackup.of_apps(site.stack.clients)
        self._wait_served(site)
        return backup

    def _wait_served(self, site: Site) -> None:
        ready = f"{self._instance(site).base_url}/health/ready"
        site.stack.http().get_routed(ready).raise_for_status()

    def _move(self) -> Move:
        return self._moved(self._releases.push, self._wait_until_applied)

    def _go_back(self) -> Return:
        kube = self.life.result().site.kube
        move = self._moved(self._releases.push_back, self._wait_until_applied)
        if move.problem:
            wait_until_settled(kube)
            move = replace(move, state=State.of(kube))
        return Return(move, outcome(kube, move.state))

    def _upgrade_again(self) -> Move:
        site = self.life.result().site

        def survive(commit: str) -> None:
            killed_at = kill_node_mid_upgrade(site)
            self._wait_until_applied(commit)
            wait_until_running(site.kube, killed_at)

        return self._moved(self._releases.push, survive)

    def _wait_until_applied(self, commit: str) -> None:
        site = self.life.result().site
        wait_until_applied(site.kube, site.stack.clients.flux(), commit, self._say)

    def _moved(
        self, push: Callable[[Stack], str], wait_until_in_place: Callable[[str], None]
    ) -> Move:
        """Push a release, and wait until its commit is in place, while pages are visited."""
        life = self.life.result()
        stack, kube = life.site.stack, life.site.kube
        with visited(self._pages(life)) as visitors:
            began = time.monotonic()
            commit = push(stack)
            problem = ""
            try:
                wait_until_in_place(commit)
            except (HarnessError, WaitFailed) as error:
                problem = str(error)
            seconds = time.monotonic() - began
            patience = kube.timeouts.routing_after_restart
            visits = [seen(url, one, patience) for url, one in visitors.items()]
        return Move(seconds, State.of(kube), visits, problem)

    def _pages(self, life: Life) -> dict[str, requests.Session]:
        """Return the pages to visit, each with its session: by one, Kratos sees the person."""
        stack, accounts = life.site.stack, life.person.accounts
        pages = [*pages_of_apps(life.site.kube, stack.http()), f"{accounts.issuer}{DISCOVERY}"]
        of_nobody: dict[str, requests.Session] = {page: stack.http() for page in pages}
        return {**of_nobody, accounts.whoami: life.person.login_client.browser.http}

    def _instance(self, site: Site) -> Instance:
        platform, name = site.stack.clients.platform, self._app.name
        return Instance(
            kube=site.kube,
            namespace=platform.apps,
            selector=f"app.kubernetes.io/instance={name}",
            base_url=f"https://{name}.{platform.domain}",
            session=site.stack.http(),
            container=name,
        )
