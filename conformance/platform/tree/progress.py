"""What becomes Ready of a platform while Flux installs it, and what waits for what."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from conformance.common.errors import HarnessError
from conformance.kube.client import Kube
from conformance.kube.conditions import (
    Condition,
    condition_true,
    find_condition,
    matching,
    reconciled,
)
from conformance.kube.errors import ApiError, NotFound, UnknownKind, Unreachable
from conformance.kube.explain import explain
from conformance.kube.objects import Object, Objects, Selection
from conformance.kube.wait import Wait, WaitTimeout, wait_all
from conformance.services.flux import API_VERSIONS

_KINDS = ("Kustomization", "HelmRelease")
_SOURCES = ("GitRepository", "HelmRepository", "OCIRepository", "Bucket", "HelmChart")
_SOURCE_VERSION = API_VERSIONS["GitRepository"]
_CONSEQUENCES = (
    *("Progressing", "ProgressingWithRetry", "DependencyNotReady"),
    *("SourceNotReady", "NoSourceArtifact"),
)
"""Reasons of an object that is not Ready by no mistake of its own: it is in progress, or waits for
another one."""
_NO_ARTIFACT = "Source artifact not found"
"""How the message of a Kustomization begins that waits for its source; a wrong path has the same
reason."""
_QUIET_SECONDS = 20.0
"""After which a line says what is waited for, if nothing has become Ready."""
_SHOWN = 3
"""How many objects such a line names."""
_MESSAGE = 160
"""Characters of what an object says."""


@dataclass
class Progress:
    """Says what has become Ready, and what has not for a while."""

    kube: Kube
    say: Callable[[str], None]
    lost: Condition | None = None
    """What is lost of what is not Ready and was not so before, beside what Flux has given up."""
    _ready: set[str] = field(default_factory=set)
    _said: float = field(default_factory=time.monotonic)
    _before: set[str] = field(default_factory=set)
    _lost_before: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Remember what Flux gave up before: on a kept cluster the tree may mend it."""
        found = objects_of_flux(self.kube)
        self._before = {_giving_up(one) for one in found}
        self._lost_before = {title(one) for one in found if self._fails(one)}

    def look(self) -> None:
        """Say what is new since the last look.

        Raises HarnessError if Flux has given a release up.
        """
        try:
            found = objects_of_flux(self.kube)
        except (Unreachable, ApiError, UnknownKind):  # whoever waits knows how long that may be
            return
        if lost := [one for one in found if self._is_lost(one)]:
            why = "Flux has given up" if any(map(_giving_up, lost)) else "fails time and again"
            opening = f"{', '.join(map(title, lost))}: {why}"
            names = [title(one) for one in lost]
            besides = [one for one in _in_the_way(self.kube)[0] if title(one) not in names]
            raise _failed(self.kube, "\n".join([opening, *map(_line, besides)]), lost)
        done = {title(one) for one in found if is_done(one)}
        if new := sorted(done - self._ready):
            self.say(f"platform: Ready: {', '.join(new)} ({len(done)} of {len(found)})")
        elif time.monotonic() - self._said > _QUIET_SECONDS:
            causes, others = _in_the_way(self.kube)
            waiting = [*causes, *others]
            shown = "; ".join(f"{title(one)}: {says(one)}" for one in waiting[:_SHOWN])
            more = f"; and {len(waiting) - _SHOWN} more" if len(waiting) > _SHOWN else ""
            self.say(f"platform: waiting for {shown or 'Flux to begin'}{more}")
        else:
            return
        self._ready, self._said = done, time.monotonic()

    def _is_lost(self, item: Object) -> bool:
        if _giving_up(item) not in {"", *self._before}:
            return True
        return self._fails(item) and title(item) not in self._lost_before

    def _fails(self, item: Object) -> bool:
        return self.lost is not None and not is_done(item) and self.lost.test(item)


def wait_for_all(
    kube: Kube,
    revisions: Mapping[str, str],
    timeout: float,
    say: Callable[[str], None],
    *,
    lost: Condition | None = None,
) -> None:
    """Wait until every Kustomization and HelmRelease is Ready; those that are suspended are.

    ``revisions`` is the commit that Kustomizations of a source must have applied, by the source's
    name. Raises HarnessError after ``timeout`` seconds, with all that is not Ready and why; as soon
    as Flux has given a release up, or one that is not Ready is ``lost``.
    """
    progress = Progress(kube, say, lost)
    deadline = time.monotonic() + timeout

    def at_its_commit(item: Object) -> bool:
        wanted = revisions.get(str(item["spec"].get("sourceRef", {}).get("name")))
        return is_suspended(item) or reconciled(wanted).test(item)

    try:
        # A parent is Ready only after it has made its children, so all of them are there by then.
        for kind, minimum in zip(_KINDS, (1, 0), strict=True):
            selection = Selection(API_VERSIONS[kind], kind)
            left = max(deadline - time.monotonic(), 1.0)
            condition = matching("Ready, or suspended", at_its_commit)
            waits = [Wait(selection, condition, minimum=minimum)]
            wait_all(kube, waits, timeout=left, meanwhile=progress.look)
    except WaitTimeout as error:
        raise _not_ready(kube, timeout) from error
    progress.look()


def objects_of_flux(kube: Kube) -> Objects:
    """Return all Kustomizations and HelmReleases."""
    return [one for kind in _KINDS for one in _listed(kube, API_VERSIONS[kind], kind)]


def _listed(kube: Kube, version: str, kind: str) -> Objects:
    try:
        listed = kube.list(version, kind)
    except (NotFound, UnknownKind):  # not yet
        return []
    return [{**one, "apiVersion": version, "kind": kind} for one in listed]


def _in_the_way(kube: Kube) -> tuple[Objects, Objects]:
    """Return what is not Ready: what has an error, and what is in progress or waits.

    Of each, sources come first, then releases, then Kustomizations.
    """
    sources = [one for kind in _SOURCES for one in _listed(kube, _SOURCE_VERSION, kind)]
    failing = [one for one in sources if not is_suspended(one) and _has_failed(one)]
    waiting = [one for one in objects_of_flux(kube) if not is_done(one)]
    found = [*failing, *sorted(waiting, key=lambda one: str(one["kind"]))]
    causes = [one for one in found if _has_error(one)]
    # What a Kustomization has applied may be healthy no sooner than another object.
    causes.sort(key=lambda one: _ready(one).get("reason") == "HealthCheckFailed")
    return causes, [one for one in found if not _has_error(one)]


def _ready(item: Object) -> Object:
    return find_condition(item, "Ready") or {}


def _has_failed(item: Object) -> bool:
    return bool(_ready(item).get("status") == "False")


def _has_error(item: Object) -> bool:
    """Whether an object that is not Ready has an error, and does not wait for what comes first."""
    if condition_true("Stalled").test(item):
        return True
    ready = _ready(item)
    waits = ready.get("reason") in _CONSEQUENCES
    return _has_failed(item) and not (waits or says(item).startswith(_NO_ARTIFACT))


def is_suspended(item: Object) -> bool:
    """Whether nobody reconciles an object, as its owner wants."""
    return bool(item["spec"].get("suspend"))


def is_done(item: Object) -> bool:
    """Whether an object of Flux's is Ready, or suspended."""
    return is_suspended(item) or reconciled().test(item)


def title(item: Object) -> str:
    """Return an object's kind and name; Kustomizations are what is meant without a kind."""
    kind = "" if item["kind"] == "Kustomization" else f"{item['kind']} "
    return f"{kind}{item['metadata']['name']}"


def says(item: Object) -> str:
    """Return the first line of what an object's status says of it."""
    message = str(_ready(item).get("message") or "Flux has not looked at it yet")
    first = message.strip().partition("\n")[0]
    return first if len(first) <= _MESSAGE else f"{first[: _MESSAGE - 3]}..."


def _giving_up(item: Object) -> str:
    """Return which release Flux has given up, and when; empty: it has not.

    What fails for want of something that comes later is tried again, and is not given up.
    """
    stalled = find_condition(item, "Stalled")
    if is_suspended(item) or stalled is None or not condition_true("Stalled").test(item):
        return ""
    return f"{title(item)} {item['metadata'].get('uid')} {stalled.get('lastTransitionTime')}"


def _line(item: Object) -> str:
    return f"  {title(item)}: {says(item)}"


def _not_ready(kube: Kube, timeout: float) -> HarnessError:
    """Return the error with what is in the way, and why."""
    causes, others = _in_the_way(kube)
    lines = [f"the platform is not Ready after {timeout:g} s", *map(_line, causes or others)]
    if causes and others:
        lines.append(f"  in progress, or waiting: {', '.join(map(title, others))}")
    return _failed(kube, "\n".join(lines), causes or others)


def _failed(kube: Kube, opening: str, about: Objects) -> HarnessError:
    return HarnessError(
        explain(kube, opening, about, None, lambda: []),
        "fix what is named first; --keep-cluster leaves the cluster for a look at it",
    )
