"""What becomes of each release when the tracked branch has the release before again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.capabilities.platform_upgrade.applied import CHARTS, by_name
from conformance.capabilities.platform_upgrade.state import DEPLOYED
from conformance.kube.conditions import find_condition, matching, reconciled
from conformance.kube.objects import Object, Selection
from conformance.kube.wait import WaitTimeout, wait_each
from conformance.platform.tree.progress import is_suspended
from conformance.services.flux import API_VERSIONS, hopeless

if TYPE_CHECKING:
    from conformance.capabilities.platform_upgrade.state import Installed, State
    from conformance.kube.client import Kube

RELEASES = Selection(API_VERSIONS["HelmRelease"], "HelmRelease")
_WORDS = ("Ready", "Released")
"""Conditions by which a HelmRelease says what it did not do, and why."""


@dataclass
class Outcome:
    """What each HelmRelease has done; one line each."""

    back: list[str] = field(default_factory=list)
    """Those that are Ready as the branch has them."""
    refused: list[str] = field(default_factory=list)
    """Those that say that they are not as the branch has them, and run on as they were."""
    neither: list[str] = field(default_factory=list)
    """All others: an attempt that failed is what is there, or nothing is said."""

    @property
    def summary(self) -> str:
        """Which of both it was, in words."""
        if self.refused or self.neither:
            return "\n".join(["going back is refused", *self.refused, *self.neither])
        return f"going back works: {', '.join(self.back)}"


def wait_until_settled(kube: Kube) -> None:
    """Wait until Flux works on no release any more, or ``timeouts.stack`` seconds are over."""
    settled = matching("suspended", is_suspended) | reconciled() | hopeless()
    with suppress(WaitTimeout):
        wait_each(kube, RELEASES, settled, minimum=0, timeout=kube.timeouts.stack)


def outcome(kube: Kube, state: State) -> Outcome:
    """Return what each HelmRelease has done, of which ``state`` has the revisions."""
    charts, found = by_name(kube.list(*CHARTS)), Outcome()
    for release in kube.list(*RELEASES):
        if is_suspended(release):
            continue
        metadata, status = release["metadata"], release.get("status", {})
        name = f"{metadata['namespace']}/{metadata['name']}"
        chart = charts.get(str(status.get("helmChart")))
        wanted = chart["status"]["artifact"]["revision"] if chart else ""
        if reconciled().test(release) and wanted in ("", status.get("lastAttemptedRevision")):
            found.back.append(name)
            continue
        words, installed = _words(release), state.releases[name]
        if words and installed.revisions.get(installed.newest) == DEPLOYED:
            found.refused.append(f"HelmRelease {name}: {words}")
        else:
            wanted = f" at {wanted}" if wanted else ""
            last, said = _last(installed), words or "it does not say why"
            found.neither.append(f"HelmRelease {name} is not Ready{wanted}, {last}: {said}")
    return found


def _last(installed: Installed) -> str:
    """Return what helm says of the last revision of a release."""
    if not installed.revisions:
        return "not installed"
    return f"revision {installed.newest} is {installed.revisions[installed.newest]}"


def _words(release: Object) -> str:
    """Return what a HelmRelease says of what it did not do; empty if it says nothing."""
    said = [
        str(condition.get("message", "")).strip()
        for kind in _WORDS
        if (condition := find_condition(release, kind)) and condition["status"] == "False"
    ]
    return "; ".join(dict.fromkeys(filter(None, said)))
