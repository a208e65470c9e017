"""What can be waited for. All are aware of observedGeneration: an old status satisfies none.

The rules are those of kstatus (https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus)
and ``kubectl rollout status``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conformance.kube.objects import Object


@dataclass(frozen=True)
class Condition:
    """A statement about one object; ``test`` gets None where there is no such object.

    Conditions combine: ``a & b``, ``a | b``, ``~a``.
    """

    description: str
    test: Callable[[Object | None], bool]

    def __and__(self, other: Condition) -> Condition:
        return Condition(
            f"{self.description} and {other.description}",
            lambda item: self.test(item) and other.test(item),
        )

    def __or__(self, other: Condition) -> Condition:
        return Condition(
            f"{self.description} or {other.description}",
            lambda item: self.test(item) or other.test(item),
        )

    def __invert__(self) -> Condition:
        return Condition(f"not {self.description}", lambda item: not self.test(item))


def matching(description: str, test: Callable[[Object], bool]) -> Condition:
    """Whatever ``test`` says of an existing object; a KeyError in it (no such field yet) is no."""

    def tolerant(item: Object | None) -> bool:
        try:
            return item is not None and test(item)
        except (KeyError, IndexError):
            return False

    return Condition(description, tolerant)


def exists() -> Condition:
    """There is such an object."""
    return Condition("exists", lambda item: item is not None)


def deleted() -> Condition:
    """There is no such object any more; finalizers are done."""
    return Condition("deleted", lambda item: item is None)


def phase(*phases: str) -> Condition:
    """``status.phase`` is one of these (claims, pods, namespaces, backups)."""
    return matching(f"phase {' or '.join(phases)}", lambda item: item["status"]["phase"] in phases)


def condition_true(condition_type: str) -> Condition:
    """The object's status has this condition, True and of the current generation."""

    def test(item: Object) -> bool:
        found = find_condition(item, condition_type)
        return found is not None and found["status"] == "True" and is_current(item, found)

    return matching(f"condition {condition_type}=True", test)


def condition_false(condition_type: str, *reasons: str) -> Condition:
    """The condition is False, of the current generation and, if any are given, for a reason."""
    suffix = f" ({' or '.join(reasons)})" if reasons else ""

    def test(item: Object) -> bool:
        found = find_condition(item, condition_type)
        return (
            found is not None
            and found["status"] == "False"
            and (not reasons or found.get("reason") in reasons)
            and is_current(item, found)
        )

    return matching(f"condition {condition_type}=False{suffix}", test)


def ready() -> Condition:
    """Condition Ready is True, and the object is not being deleted."""
    return matching(
        "Ready",
        lambda item: (
            "deletionTimestamp" not in item["metadata"] and condition_true("Ready").test(item)
        ),
    )


def rolled_out() -> Condition:
    """Every replica of a Deployment, StatefulSet or DaemonSet is of its template and available."""
    return matching("rolled out", _is_rolled_out)


def _is_rolled_out(item: Object) -> bool:
    status = item["status"]
    if not is_current(item):
        return False
    if item["kind"] == "DaemonSet":
        desired = status["desiredNumberScheduled"]
        return bool(
            status.get("updatedNumberScheduled", 0) >= desired
            and status.get("numberAvailable", 0) >= desired
        )
    desired = item["spec"].get("replicas", 1)
    if item["kind"] == "StatefulSet" and status.get("updateRevision") != status.get(
        "currentRevision"
    ):
        return False
    updated = status.get("updatedReplicas", 0)
    return bool(
        updated >= desired
        and status.get("replicas", 0) <= updated
        and status.get("availableReplicas", 0) >= desired
    )


def reconciled(
    revision_contains: str | None = None,
    requested_at: str | None = None,
    *,
    includes: Callable[[str], bool] | None = None,
) -> Condition:
    """A Flux object is Ready, and that is about the present: of this generation, request, revision.

    ``requested_at`` is the value that was put into the annotation reconcile.fluxcd.io/requestedAt.
    ``revision_contains`` is part of what a source's artifact or a Kustomization's last applied
    revision must be (a commit's hash), or of the chart or app version a HelmRelease deployed;
    ``includes`` says of another revision whether it will do as well.
    https://fluxcd.io/flux/components/kustomize/kustomizations/#kustomization-status
    """
    wanted = ["reconciled"]
    if revision_contains is not None:
        wanted.append(f"at revision {revision_contains}")
    if requested_at is not None:
        wanted.append(f"as requested at {requested_at}")

    def at_revision(revision: str) -> bool:
        if revision_contains is None or revision_contains in revision:
            return True
        return includes is not None and includes(revision)

    def test(item: Object) -> bool:
        return (
            ready().test(item)
            and item["status"].get("observedGeneration") == item["metadata"]["generation"]
            and _handled(item, requested_at)
            and at_revision(deployed_revision(item))
        )

    return matching(" ".join(wanted), test)


def image_unavailable() -> Condition:
    """A Pod waits for an image that cannot be pulled."""
    waiting = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")

    def test(item: Object) -> bool:
        status = item["status"]
        states = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
        return any(state["state"].get("waiting", {}).get("reason") in waiting for state in states)

    return matching("image unavailable", test)


def find_condition(item: Object, condition_type: str) -> Object | None:
    """Return the status condition of this type, whatever its value."""
    found: Object
    for found in item.get("status", {}).get("conditions") or ():
        if found["type"] == condition_type:
            return found
    return None


def is_current(item: Object, condition: Object | None = None) -> bool:
    """Whether the status (and the condition) are about the spec as it is now."""
    generation = item["metadata"].get("generation", 0)
    observed = item.get("status", {}).get("observedGeneration", generation)
    observed_by_condition = (condition or {}).get("observedGeneration", generation)
    return bool(observed >= generation and observed_by_condition >= generation)


def deployed_revision(item: Object) -> str:
    """Return what a Flux object has put in place, empty if nothing yet."""
    status = item.get("status", {})
    if item.get("kind") == "HelmRelease":
        latest = (status.get("history") or [{}])[0]
        known = (latest.get("chartVersion"), latest.get("appVersion"), latest.get("ociDigest"))
        return " ".join(part for part in known if part)
    if item.get("kind") == "Kustomization":
        return str(status.get("lastAppliedRevision", ""))
    return str(status.get("artifact", {}).get("revision", ""))


def _handled(item: Object, requested_at: str | None) -> bool:
    """Tokens are times: a later one was handled by a reconciliation that began later, too."""
    return requested_at is None or item["status"].get("lastHandledReconcileAt", "") >= requested_at
