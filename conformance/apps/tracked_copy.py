"""A copy of an app's package that Flux installs beside the app, under a name of its own."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

from conformance.apps.flux_package import Commit, copy_of
from conformance.apps.tracked import TrackedApp, TrackedBranch

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.common.package import Package
    from conformance.platform.site import Site

_numbers = itertools.count(int(time.time()))
"""Of copies: a kept cluster may have some of a run that was killed, with newer data."""


def tracked_copy(
    site: Site,
    branch: TrackedBranch,
    package: Package,
    app: App,
    purpose: str,
    *,
    failure_after: int,
    commit: Commit | None = None,
) -> TrackedApp:
    """Return an app called ``APP-PURPOSE-NUMBER``, made of the package of ``app``; not installed.

    ``branch`` is the one that the cluster of ``site`` tracks; ``failure_after`` (seconds) is after
    how long an upgrade counts as failed; ``commit`` is made of the package first.
    """
    name = f"{app.name}-{purpose}-{next(_numbers)}"
    copy = copy_of(package, app.name, name, failure_after=failure_after)
    if commit is not None:
        copy = copy.with_commit(commit)
    return TrackedApp(branch, copy, app, site.stack.http(), site.stack.clients.platform.domain)
