"""The node is killed in the midst of an upgrade of the platform, and started again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from conformance.kube.conditions import exists, phase
from conformance.kube.objects import Selection
from conformance.kube.wait import wait_each
from conformance.platform.reference.forked import started_since

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.platform.site import Site

GOES_ON = Selection("v1", "Secret", labels="owner=helm,status=pending-upgrade")
"""Helm's records of upgrades that go on: https://helm.sh/docs/topics/advanced/#storage-backends"""


def kill_node_mid_upgrade(site: Site) -> float:
    """Have Flux fetch what was pushed; kill the node when the first upgrade goes on.

    Returns when the node is Ready again: the seconds since the epoch at which it was killed. Raises
    ``WaitTimeout`` if nothing is upgraded, ``HarnessError`` if the node does not start.
    """
    flux, kube = site.stack.clients.flux(), site.kube
    flux.reconcile("GitRepository", flux.source)
    wait_each(kube, GOES_ON, exists(), timeout=kube.timeouts.reconciliation)
    site.cluster.kill_node()
    killed_at = time.time()
    site.cluster.restart_node()
    return killed_at


def wait_until_running(kube: Kube, since: float) -> None:
    """Wait until every pod runs, in containers that were started at ``since`` or later.

    Those of Jobs need not: they have ended. Raises ``WaitTimeout``.
    """
    ended = phase("Succeeded", "Failed")
    pods = Selection("v1", "Pod")
    wait_each(kube, pods, started_since(since) | ended, timeout=kube.timeouts.stack)
