"""What an upgrade must leave as it was, and what it has left: releases, claims, Secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.platform.generated_secrets import digests, generated_secrets
from conformance.services.flux import API_VERSIONS

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.kube.objects import Object, Objects

DEPLOYED = "deployed"
"""Status of the revision that is in place."""
GOOD = (DEPLOYED, "superseded")
"""Statuses of a revision of a helm release that was installed, and maybe replaced later:
https://helm.sh/docs/helm/helm_history/"""


@dataclass(frozen=True)
class Installed:
    """What helm and Flux remember of a HelmRelease."""

    since: str
    """When it was first installed; empty: it never was."""
    revisions: Mapping[int, str]
    """Number and status of each, of those that are remembered."""

    @property
    def newest(self) -> int:
        """The number of the last one."""
        return max(self.revisions, default=0)


NEVER = Installed("", {})
"""Nothing is remembered."""


@dataclass(frozen=True)
class Claim:
    """A PersistentVolumeClaim."""

    uid: str
    mounted: bool
    """Whether a pod that stays has it."""


@dataclass(frozen=True)
class State:
    """What is on a cluster at one moment; everything by ``NAMESPACE/NAME``."""

    releases: Mapping[str, Installed]
    claims: Mapping[str, Claim]
    secrets: Mapping[str, str]
    """SHA-256 of the data of each generated Secret."""

    @classmethod
    def of(cls, kube: Kube) -> State:
        """Look at all namespaces."""
        releases = kube.list(API_VERSIONS["HelmRelease"], "HelmRelease")
        mounted = {claim for pod in kube.list("v1", "Pod") for claim in _claims_of(pod)}
        claims = kube.list("v1", "PersistentVolumeClaim")
        namespaces = [one["metadata"]["name"] for one in kube.list("v1", "Namespace")]
        return cls(
            {_name(one): installed(one, _kept_by_helm(kube, one)) for one in releases},
            {_name(one): Claim(one["metadata"]["uid"], _name(one) in mounted) for one in claims},
            digests(kube, generated_secrets(kube, namespaces)),
        )


def installed(release: Object, kept: Objects) -> Installed:
    """Return what is remembered of a HelmRelease; ``kept`` are the Secrets that helm has of it.

    Flux forgets a failed attempt that was rolled back once a later one succeeds; helm does not:
    https://github.com/fluxcd/helm-controller/blob/main/api/v2/snapshot_types.go (Truncate).
    """
    history = release.get("status", {}).get("history") or []
    revisions = {int(one["version"]): str(one["status"]) for one in history}
    for secret in kept:
        labels = secret["metadata"]["labels"]
        revisions[int(labels["version"])] = str(labels["status"])
    since = str(history[0]["firstDeployed"]) if history else ""
    return Installed(since, revisions)


def upgraded(before: State, after: State) -> list[str]:
    """Return the HelmReleases that have a newer revision than before."""
    return sorted(
        name
        for name, now in after.releases.items()
        if (then := before.releases.get(name)) and now.newest > then.newest
    )


def failed_upgrades(before: State, after: State) -> list[str]:
    """Return, one line each, which attempts failed on the way, even if a later one did not."""
    return [
        line
        for name, now in sorted(after.releases.items())
        for line in _failures(name, before.releases.get(name, NEVER), now)
    ]


def installed_anew(before: State, after: State) -> list[str]:
    """Return, one line each, which releases were uninstalled meanwhile, and installed again."""
    return [
        f"HelmRelease {name} was uninstalled, and installed anew"
        for name, now in sorted(after.releases.items())
        if _anew(before.releases.get(name, NEVER), now)
    ]


def lost_claims(before: State, after: State) -> list[str]:
    """Return, one line each, which claims are not what they were."""
    return [
        f"claim {name} {lost}"
        for name, claim in sorted(before.claims.items())
        if (lost := _lost(claim, after.claims.get(name)))
    ]


def changed_secrets(before: State, after: State) -> list[str]:
    """Return, one line each, which generated Secrets have other values, or are gone."""
    return [
        f"Secret {name} " + ("has other values" if name in after.secrets else "is gone")
        for name, digest in sorted(before.secrets.items())
        if after.secrets.get(name) != digest
    ]


def _failures(name: str, then: Installed, now: Installed) -> Iterator[str]:
    anew = _anew(then, now)
    for number, status in sorted(now.revisions.items()):
        if (anew or number > then.newest) and status not in GOOD:
            yield f"HelmRelease {name}: revision {number} is {status}"


def _anew(then: Installed, now: Installed) -> bool:
    return bool(then.since) and now.since != then.since


def _lost(claim: Claim, now: Claim | None) -> str:
    if now is None:
        return "is gone"
    if now.uid != claim.uid:
        return "is another one of the same name"
    return "is mounted by no pod any more" if claim.mounted and not now.mounted else ""


def _kept_by_helm(kube: Kube, release: Object) -> Objects:
    status = release.get("status", {})
    history = status.get("history") or []
    if not history:
        return []
    namespace = status.get("storageNamespace") or release["metadata"]["namespace"]
    labels = f"owner=helm,name={history[0]['name']}"
    return kube.list("v1", "Secret", namespace, labels=labels)


def _claims_of(pod: Object) -> Iterator[str]:
    """Yield the claims of a pod that runs and is to stay: that of a Job comes and goes."""
    metadata = pod["metadata"]
    of_a_job = any(one["kind"] == "Job" for one in metadata.get("ownerReferences") or ())
    if of_a_job or "deletionTimestamp" in metadata or pod["status"].get("phase") != "Running":
        return
    for volume in pod["spec"].get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            yield f"{metadata['namespace']}/{claim['claimName']}"


def _name(item: Object) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"
