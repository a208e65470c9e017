"""The reference platform on a fork of a snapshot: it is installed, and starts again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from conformance.kube.conditions import Condition, matching, ready
from conformance.kube.objects import Object, Selection
from conformance.kube.wait import wait_each
from conformance.platform.reference import bootstrap
from conformance.platform.reference.stack import ReferenceStack

if TYPE_CHECKING:
    from conformance.services.flux import Flux
    from conformance.services.git import GitServer


class ForkedStack(ReferenceStack):
    """Every level is there. What a level waits for is that all pods run again.

    They are the snapshot's until kubelet has seen that their containers are gone: so it counts when
    those were started.
    """

    def dns(self) -> None:
        """Return when it answers again."""
        self._resumed()

    def bootstrap(self) -> None:
        """Return when it runs again."""
        self._resumed()

    def flux(self) -> Flux:
        """Return when its controllers run again."""
        self._resumed()
        return self._flux

    def platform(self) -> Flux:
        """Return when all of it runs again."""
        return self.flux()

    def single_sign_on(self) -> Flux:
        """Return when all of it runs again."""
        return self.flux()

    def backups(self) -> Flux:
        """Return when all of it runs again."""
        return self.flux()

    @property
    def git(self) -> GitServer:
        """The Git repository that Flux tracks, whose server runs again."""
        self._resumed()
        return super().git

    def _resumed(self) -> None:
        self._steps.run("running again", self._resume)

    def _resume(self) -> None:
        context = self._context
        # The node has an address of its own.
        self._steps.run("variables", lambda: bootstrap.variables(context))
        since = context.cluster.forked_at
        timeout = context.settings.timeouts.stack
        wait_each(context.kube, Selection("v1", "Pod"), started_since(since), timeout=timeout)


def started_since(since: float) -> Condition:
    """A Pod is Ready, with containers of which each was started at ``since`` or later.

    ``since`` is in seconds since the epoch, of which a Pod's status has whole ones. One that has
    done its work will do.
    """
    first = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since))

    def test(pod: Object) -> bool:
        if pod["status"]["phase"] == "Succeeded":
            return True
        states = [status["state"] for status in pod["status"]["containerStatuses"]]
        return ready().test(pod) and all(one["running"]["startedAt"] >= first for one in states)

    return matching(f"Ready, started after {first}", test)
