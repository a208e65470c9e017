"""Flux's objects: ask for a reconciliation, wait for a revision, read what went wrong.

After a push, ``Flux.sync`` returns when the commit is applied. A wait looks at the revision and at
``observedGeneration``, because a Ready condition can be that of the state before.
https://fluxcd.io/flux/components/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from conformance.kube.client import Kube
from conformance.kube.conditions import Condition, condition_true, matching, reconciled
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import Wait, wait, wait_all

API_VERSIONS: Mapping[str, str] = {
    "GitRepository": "source.toolkit.fluxcd.io/v1",
    "HelmChart": "source.toolkit.fluxcd.io/v1",
    "Kustomization": "kustomize.toolkit.fluxcd.io/v1",
    "HelmRelease": "helm.toolkit.fluxcd.io/v2",
}
REQUESTED_AT = "reconcile.fluxcd.io/requestedAt"

_HOPELESS = 6
"""Failures of a HelmRelease in a row; more than the retries that packages have."""


def hopeless() -> Condition:
    """A HelmRelease that Flux has given up, or fails at time and again.

    What helm refuses to begin with, such as values that the chart's schema refuses, makes no
    release whose retries could run out: Flux tries that for ever.
    """
    often = matching(
        f"failed {_HOPELESS} times", lambda item: bool(item["status"]["failures"] >= _HOPELESS)
    )
    return condition_true("Stalled") | often


class Flux:
    """A typed client for Flux's objects, within ``kube.timeouts.reconciliation``.

    An object whose namespace is not given is in ``namespace``, where Flux itself is.
    """

    def __init__(self, kube: Kube, namespace: str, source: str, root: str) -> None:
        self._kube = kube
        self.namespace = namespace
        self.source = source
        """The GitRepository that the platform is installed from."""
        self.root = root
        """The Kustomization that applies all of it."""

    def ref(self, kind: str, name: str, namespace: str | None = None) -> Ref:
        """Return which object of Flux is meant, in the version of its API that the suite speaks."""
        return Ref(API_VERSIONS[kind], kind, name, namespace or self.namespace)

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object:
        """Return one of Flux's objects. Raises ``NotFound``."""
        return self._kube.get(*self.ref(kind, name, namespace))

    def reconcile(
        self, kind: str, name: str, namespace: str | None = None, *, force: bool = False
    ) -> str:
        """Ask for a reconciliation now; return the token that ``wait_handled`` takes.

        With ``force`` a HelmRelease upgrades even though nothing changed.
        https://fluxcd.io/flux/components/helm/helmreleases/#triggering-a-reconcile
        """
        token = datetime.now(UTC).isoformat(timespec="microseconds")
        annotations = {REQUESTED_AT: token}
        if force:
            annotations["reconcile.fluxcd.io/forceAt"] = token
        self._patch(kind, name, namespace, {"metadata": {"annotations": annotations}})
        return token

    def wait_handled(
        self, kind: str, name: str, namespace: str | None = None, *, token: str
    ) -> Object:
        """Wait until the reconciliation asked for was done, well or badly; return the object."""
        handled = matching(
            f"reconciled as requested at {token}",
            lambda item: bool(item["status"]["lastHandledReconcileAt"] >= token),
        )
        return self._wait(kind, name, namespace, handled)

    def wait_ready(
        self,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        revision: str | None = None,
        token: str | None = None,
        timeout: float | None = None,
    ) -> Object:
        """Wait until an object is Ready in its current generation; return it.

        ``revision`` is a commit's hash, or for a HelmRelease the chart's version: that is what
        must be in place. ``token`` is what ``reconcile`` returned. Raises ``WaitTimeout``.
        """
        return self._wait(kind, name, namespace, reconciled(revision, token), timeout)

    def sync(
        self,
        sha: str,
        kustomizations: Iterable[str] | None = None,
        *,
        includes: Callable[[str], bool] | None = None,
        timeout: float | None = None,
    ) -> None:
        """After a push: wait until commit ``sha`` was fetched and the Kustomizations applied it.

        Without ``kustomizations``, the one of the whole tree. Where others push too, ``includes``
        says whether a later revision includes the commit.
        Only the GitRepository is asked to reconcile; the Kustomizations follow by themselves. A
        HelmRelease upgrades after that: wait for its chart's version with ``wait_ready``.
        """
        there = reconciled(sha, includes=includes)
        self.reconcile("GitRepository", self.source)
        self._wait("GitRepository", self.source, None, there)
        names = (self.root,) if kustomizations is None else kustomizations
        waits = [Wait(self.ref("Kustomization", name), there) for name in names]
        wait_all(self._kube, waits, timeout=timeout or self._kube.timeouts.reconciliation)

    def suspend(self, kind: str, name: str, namespace: str | None = None) -> None:
        """Stop reconciling an object; a reconciliation that runs goes on."""
        self._patch(kind, name, namespace, {"spec": {"suspend": True}})

    def resume(self, kind: str, name: str, namespace: str | None = None) -> None:
        """Reconcile a suspended object again, at once."""
        self._patch(kind, name, namespace, {"spec": {"suspend": False}})

    def explain(self, kind: str, name: str, namespace: str | None = None) -> str:
        """Return what an object's conditions and its warning Events say, as lines of text."""
        status = self.get(kind, name, namespace).get("status", {})
        lines = [
            f"{item['type']}={item['status']} {item.get('reason', '')}: {item.get('message', '')}"
            for item in status.get("conditions", ())
        ]
        selector = f"involvedObject.kind={kind},involvedObject.name={name},type=Warning"
        events = self._kube.list("v1", "Event", namespace or self.namespace, fields=selector)
        lines += [f"Event {item['reason']}: {item['message']}" for item in events]
        return "\n".join(lines)

    def _patch(self, kind: str, name: str, namespace: str | None, body: Object) -> None:
        self._kube.patch(*self.ref(kind, name, namespace), body)

    def _wait(
        self,
        kind: str,
        name: str,
        namespace: str | None,
        condition: Condition,
        timeout: float | None = None,
    ) -> Object:
        which = self.ref(kind, name, namespace)
        return wait(
            self._kube, which, condition, timeout=timeout or self._kube.timeouts.reconciliation
        )
