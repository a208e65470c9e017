"""All time-outs of a run, in one place."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Timeouts:
    """Upper bounds in seconds. Reaching one is a failure: waits return on the event."""

    node_ready: float = 60.0
    """From the start of the node's processes to Ready; measured 5 s, 50 s on slow disks."""
    dns: float = 60.0
    """From node Ready to CoreDNS answering; measured 3 s."""
    pod_ready: float = 120.0
    """One pod, image present in the local registry, including migrations in init containers."""
    rollout: float = 180.0
    """One Deployment, image present in the local registry."""
    reconciliation: float = 180.0
    """One Flux object after it was asked to reconcile; includes its health checks."""
    stack: float = 300.0
    """All of flux2/, from the first commit to every Kustomization and HelmRelease Ready; apps that
    a later commit adds, side by side."""
    tree: float = 900.0
    """The same of a maintainer's tree, for which images may be fetched; not measured."""
    deletion: float = 120.0
    """One object with its finalizers; a namespace with claims takes 16 s."""
    crd: float = 30.0
    """From applying a CRD to Established; measured 0.1 s, unless its names clash."""
    kind_served: float = 10.0
    """From Established to a served kind; measured below 0.1 s."""
    volume_bound: float = 60.0
    """Until a claim that a pod uses is bound, or an event says why not; measured 3 s."""
    volume_reclaimed: float = 60.0
    """Until a deleted claim's volume is gone; measured 4 s."""
    upgrade: float = 180.0
    """One helm command that waits for pods: one stopped and one started; measured 12 s."""
    probe: float = 60.0
    """What a probe does: three failures two seconds apart, and a restart; measured 12 s."""
    routing: float = 30.0
    """Until a changed Ingress has an effect; measured 1 s."""
    routing_after_restart: float = 60.0
    """The same after a restart of the node: controller and DNS have to reach the API first."""
    oauth2_client: float = 30.0
    """Until the operator has registered an OAuth2Client; measured 1 s."""
    mail: float = 20.0
    """Until a mail has arrived; measured 0.5 s."""
    transfer: float = 60.0
    """One request that carries 100 MB to or from an app, which may keep all of it first."""
    backup_location: float = 40.0
    """Until Velero has judged a location: it looks every 10 s, for 5 s at most."""
    velero_by_itself: float = 90.0
    """What Velero does by itself: schedules, expiry, looking into the store."""
    command: float = 60.0
    """One command inside a container or on the node."""
    http: float = 10.0
    """One HTTP request to a Ready service."""
    log: float = 30.0
    """From an event in a container to the line in its log; measured below 0.1 on an idle node."""
    backup: float = 240.0
    """One backup or restore to its final phase; without a store, Velero tries for 100 s."""
    image_build: float = 600.0
    """One image built by buildah, Debian packages fetched over the network."""
    browser_start: float = 60.0
    """Until Chromium runs; measured 1 s, on a machine that builds something 10 times that."""
    page: float = 15.0
    """Whatever is awaited in a page of the browser, and the page itself."""
    back_channel: float = 15.0
    """From a logout until every app was notified; measured below 0.1 s, more on a busy machine."""
    admission: float = 15.0
    """Until an admission policy that was applied has an effect, or a deleted one has none."""

    @classmethod
    def given(cls, factor: float, named: Iterable[str]) -> Self:
        """Return all of them ``factor`` times as long, but ``NAME=SECONDS`` as given.

        Raises ``ValueError`` for a name that none has, or what is no number of seconds above 0.
        """
        known = {each.name: factor * getattr(cls, each.name) for each in dataclasses.fields(cls)}
        for one in named:
            name, _, seconds = one.partition("=")
            if name not in known:
                names = ", ".join(known)
                raise ValueError(f"--timeout-of={one}: none has this name; choose from {names}")
            known[name] = _seconds(one, seconds)
        return cls(**known)


def _seconds(given: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise ValueError(f"--timeout-of={given}: give a number of seconds above 0")
    return seconds
