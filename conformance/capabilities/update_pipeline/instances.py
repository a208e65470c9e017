"""Where the pipeline's app runs: as users use it, and where new versions are tried out."""

from __future__ import annotations

import itertools
import secrets
import time
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from conformance.apps.acceptance import User
from conformance.apps.catalogue import NOTES
from conformance.apps.tracked import TrackedApp, TrackedBranch
from conformance.apps.tracked_copy import tracked_copy
from conformance.apps.update_pipeline import Installation

if TYPE_CHECKING:
    from conformance.apps.base import Seed
    from conformance.common.package import Package
    from conformance.oci.registry import Registry
    from conformance.platform.site import Site
    from conformance.services.ingress import HttpClient

UPGRADE_TIMEOUT = 60
"""Seconds after which the releases count an upgrade as failed."""
NUMBERS = itertools.count(int(time.time()))
"""Of versions; a kept cluster's registry has those of earlier runs."""


@dataclass(frozen=True)
class LiveInstance:
    """The app as users use it, with data of theirs."""

    app: TrackedApp
    seed: Seed
    registry: Registry


class TestCluster:
    """Where new versions are tried out, and the user who does; waits for the cluster if need be."""

    __test__ = False  # not a test itself, whatever pytest makes of the name

    def __init__(self, site: Future[Site], package: Package) -> None:
        self._site = site
        self._package = package
        self.user = User("pia@stackspin.test", "Pia", secrets.token_hex(16))

    @cached_property
    def installation(self) -> Installation:
        """The app there; the user is made with it."""
        site = self._site.result()
        branch = TrackedBranch.of(site)
        app = tracked_copy(
            site, branch, self._package, NOTES, "tested", failure_after=UPGRADE_TIMEOUT
        )
        site.stack.clients.kratos().create(
            self.user.email, self.user.password, self.user.name, {app.name: "user"}
        )
        return Installation(app, site.registry)

    def browser(self) -> HttpClient:
        """Return a browser with nobody logged in."""
        return self._site.result().stack.http()

    def clear(self) -> None:
        """Take app and user away, if they were made."""
        if "installation" in vars(self):
            self.installation.app.branch.remove([self.installation.app])
            kratos = self._site.result().stack.clients.kratos()
            if identity := kratos.find(self.user.email):
                kratos.delete(identity.id)
