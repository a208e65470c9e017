"""What will not get better by itself: found while it is waited for, not when the time is over.

Kubernetes gives nothing up: kubelet pulls an image that no registry has for ever, and restarts what
ends. Those who wait for it end at their time-out: helm --wait, and Flux, whose kstatus fails a
Deployment only after its progressDeadlineSeconds, though a bare pod that crashes or is
unschedulable at once. Here each state has to last for as long as Kubernetes needs for some tries.
https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/status/core.go
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from conformance.kube.client import Kube
from conformance.kube.conditions import find_condition
from conformance.kube.describe import event_time, shorten
from conformance.kube.errors import ApiError, Unreachable
from conformance.kube.explain import explain
from conformance.kube.inventory import ref_of
from conformance.kube.objects import Object, Objects, Ref
from conformance.kube.wait import WaitFailed

PODS_LAST = 45.0
"""Seconds: kubelet has pulled an image three times by then, and tried to mount a volume eight."""
BUSY_LASTS = 180.0
"""Seconds for what a busy node shows as well: a pull or mount that times out, a taint."""
FLUX_LASTS = 120.0
"""Seconds: Flux tries again after retryInterval, which is a minute in most packages."""
_RESTARTED = 3
"""Restarts of a container: kubelet waits for 10 s, 20 s, 40 s and so on between them. Any at all
costs an app its level."""
_TRIED = 5
"""How often Kubernetes has tried, by its events."""
_FORGOTTEN = 15.0
"""Seconds after which a state is over that was not seen again: Flux hides it while it tries."""
_MESSAGE = 300
_MAKES_PODS = ("ReplicaSet", "StatefulSet", "DaemonSet")
_NO_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_NOT_CREATED = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
_AT_ONCE = ("InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError")
"""Reasons that say what is wrong with the package, whatever they tell."""
_NOT_STARTED = ("ContainerCreating", "PodInitializing")
_FLUX_FAILS = (
    "ArtifactFailed", "BuildFailed", "HealthCheckFailed", "HelmChartNotReady", "PruneFailed",
    "ReconciliationFailed", "SourceNotReady", "ValuesError",
)  # fmt: skip
"""Reasons for which an object of Flux is not Ready, and that Flux does not count."""


@dataclass(frozen=True, eq=False)
class Trouble:
    """A state that has to change, and does not change by itself."""

    about: Object
    what: str
    fix: str
    lasts: float = PODS_LAST
    """Seconds after which nobody waits for a change any more."""

    @property
    def key(self) -> str:
        """What is the same as long as the state lasts; messages may have a new number each time."""
        return f"{self.about['metadata']['uid']} {self.fix}"

    def __str__(self) -> str:
        return f"{ref_of(self.about)}: {self.what}\n  To do: {self.fix}"


class Watchdog:
    """Remembers for how long there has been trouble."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}
        self._last: dict[str, float] = {}

    def hopeless(self, troubles: Iterable[Trouble]) -> Trouble | None:
        """Return the first of the troubles that there are now which has lasted too long."""
        now, found = self._clock(), {one.key: one for one in troubles}
        for key in found:
            self._since.setdefault(key, now)
            self._last[key] = now
        for key in [key for key, last in self._last.items() if now - last >= _FORGOTTEN]:
            del self._since[key], self._last[key]
        lasting = (one for key, one in found.items() if now - self._since[key] >= one.lasts)
        return next(lasting, None)


class Prospects:
    """Whether an app can still get Ready."""

    def __init__(
        self,
        kube: Kube,
        namespaces: Callable[[], Iterable[str]],
        of_flux: Callable[[], Iterable[Ref]],
        is_own: Callable[[Object], bool],
    ) -> None:
        """``namespaces`` are those of its pods, ``of_flux`` its Kustomizations and HelmReleases;
        ``is_own`` tells its objects.
        """
        self._kube = kube
        self._namespaces = namespaces
        self._of_flux = of_flux
        self._is_own = is_own
        self._watchdog = Watchdog()

    def look(self) -> None:
        """Raise ``WaitFailed`` once it cannot, with the reason and what to do."""
        try:
            found = self._watchdog.hopeless(self._troubles())
        except (ApiError, Unreachable):
            return  # who waits will be told
        if found is not None:
            raise WaitFailed(explain(self._kube, str(found), [found.about], None, lambda: []))

    def _troubles(self) -> Iterator[Trouble]:
        for namespace in sorted(self._namespaces()):
            events = self._kube.list("v1", "Event", namespace, fields="type=Warning")
            yield from troubles_of_pods(self._own("v1", "Pod", namespace), events)
            for kind in _MAKES_PODS:
                yield from troubles_of_workloads(self._own("apps/v1", kind, namespace), events)
        found = [self._kube.find(*one) for one in self._of_flux()]
        yield from troubles_of_flux([item for item in found if item is not None])

    def _own(self, api_version: str, kind: str, namespace: str) -> Objects:
        return [
            {**item, "apiVersion": api_version, "kind": kind}
            for item in self._kube.list(api_version, kind, namespace)
            if self._is_own(item)
        ]


def troubles_of_pods(pods: Objects, events: Objects) -> Iterator[Trouble]:
    """Yield why pods do not get Ready; ``events`` are the warnings about them."""
    for pod in pods:
        found = list(_of_pod(pod))
        yield from found
        if not found and _is_not_started(pod):
            yield from _of_events(pod, events, _START)


def troubles_of_workloads(workloads: Objects, events: Objects) -> Iterator[Trouble]:
    """Yield why workloads, such as ReplicaSets, have no pods."""
    for one in workloads:
        status = one.get("status") or {}
        wanted = status.get("desiredNumberScheduled", (one.get("spec") or {}).get("replicas", 1))
        if status.get("currentNumberScheduled", status.get("replicas", 0)) < wanted:
            yield from _of_events(one, events, _CREATE)


def troubles_of_flux(items: Objects) -> Iterator[Trouble]:
    """Yield why Kustomizations and HelmReleases are not applied."""
    for item in items:
        ready = find_condition(item, "Ready")
        if ready is None or ready["status"] != "False":
            continue
        told = shorten(ready.get("message", ""), _MESSAGE)
        if ready.get("reason") in _FLUX_FAILS:
            yield Trouble(item, told, "Correct what Flux says of the package.", FLUX_LASTS)
        elif ready.get("reason") == "DependencyNotReady" and "not found" in told:
            fix = "Take what is not there out of dependsOn, or add it to the package."
            yield Trouble(item, told, fix)


_START = {
    "FailedMount": "Add what is to be mounted to the package, or correct its name.",
    "FailedAttachVolume": "Correct the volume.",
    "FailedCreatePodSandBox": "Correct what the event says of the pod.",
}
_CREATE = {"FailedCreate": "Correct what refuses its pods: a quota, or what the event says."}


def _of_pod(pod: Object) -> Iterator[Trouble]:
    status = pod.get("status") or {}
    if status.get("reason") == "Evicted":
        told = shorten(status.get("message", ""), _MESSAGE)
        yield Trouble(pod, f"the node has evicted it: {told}", "Have it write less, or allow more.")
    scheduled = find_condition(pod, "PodScheduled")
    if scheduled and scheduled["status"] == "False" and scheduled.get("reason") == "Unschedulable":
        told = shorten(scheduled.get("message", ""), _MESSAGE)
        fix = "Have it ask for what one node has: its resources, volumes and node selector."
        lasts = BUSY_LASTS if "untolerated taint" in told else PODS_LAST
        yield Trouble(pod, f"no node takes it: {told}", fix, lasts)
    for group in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(group) or ():
            yield from _of_container(pod, container)


def _of_container(pod: Object, status: Object) -> Iterator[Trouble]:
    waiting = (status.get("state") or {}).get("waiting") or {}
    reason, name = waiting.get("reason"), status["name"]
    told = shorten(waiting.get("message", ""), _MESSAGE)
    if reason in _NO_IMAGE:
        what = f"container {name}: its image {status.get('image', '')} cannot be pulled: {told}"
        fix = "Correct the image's name, or bring it: images in conformance.yaml."
        yield Trouble(pod, what, fix, PODS_LAST if reason in _AT_ONCE else _lasts(told))
    elif reason in _NOT_CREATED:
        what = f"container {name} cannot be started ({reason}): {told}"
        fix = "Correct the container, or add what it needs to the package."
        yield Trouble(pod, what, fix, PODS_LAST if reason in _AT_ONCE else _lasts(told))
    elif reason == "CrashLoopBackOff" and status.get("restartCount", 0) >= _RESTARTED:
        yield _of_ended(pod, status)


def _of_ended(pod: Object, status: Object) -> Trouble:
    ended = (status.get("lastState") or {}).get("terminated") or {}
    why = f"with exit status {ended.get('exitCode')}"
    fix = "Its log says why: below, and in the evidence."
    if ended.get("reason") == "OOMKilled":
        why = "as it took more memory than it may have (OOMKilled)"
        fix = "Give it a higher limit of memory, or have it take less."
    times = status["restartCount"] + 1
    what = f"container {status['name']} has ended {times} times, the last time {why}"
    return Trouble(pod, what, fix, 0.0)


def _is_not_started(pod: Object) -> bool:
    status = pod.get("status") or {}
    found = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    waiting = [((one.get("state") or {}).get("waiting") or {}).get("reason") for one in found]
    return any(reason in _NOT_STARTED for reason in waiting)


def _of_events(about: Object, events: Objects, fixes: dict[str, str]) -> Iterator[Trouble]:
    """Yield what has been tried often enough; each try may have an event with a text of its own."""
    tries: dict[str, int] = {}
    told: dict[str, str] = {}
    for event in sorted(events, key=event_time):
        reason = event.get("reason")
        if reason in fixes and event["involvedObject"].get("uid") == about["metadata"]["uid"]:
            times = (event.get("series") or {}).get("count") or event.get("count") or 1
            tries[reason] = tries.get(reason, 0) + times
            told[reason] = shorten(event.get("message") or "", _MESSAGE)
    for reason, times in tries.items():
        if times >= _TRIED:
            lasts = PODS_LAST if fixes is _CREATE else _lasts(told[reason])
            yield Trouble(about, f"{reason}: {told[reason]}", fixes[reason], lasts)


def _lasts(told: str) -> float:
    """Return for how long something may last: what is not there does not come by itself."""
    return PODS_LAST if "not found" in told else BUSY_LASTS
