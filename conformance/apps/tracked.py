"""Apps that Flux installs from the tracked branch: what is committed, what became of it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from conformance.apps.base import App, Instance, Seed, SeedScale
from conformance.apps.flux_package import Commit, FluxPackage
from conformance.common.backup_labels import BACKUP_SET
from conformance.kube.client import Kube
from conformance.kube.conditions import (
    Condition,
    condition_true,
    deleted,
    find_condition,
    matching,
    reconciled,
)
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import Wait, wait, wait_all
from conformance.platform.reference.content import ROOT_KUSTOMIZATION, listed
from conformance.services import git
from conformance.services.flux import Flux, hopeless
from conformance.services.git import Credential, GitServer
from conformance.services.ingress import HttpClient

if TYPE_CHECKING:
    from conformance.platform.site import Site

Changes = Mapping[str, str | bytes | None]


@dataclass(frozen=True)
class Outcome:
    """What Flux made of a commit."""

    accepted: bool
    explanation: str
    """The object's own words, from its condition Ready."""


class TrackedBranch:
    """The branch that Flux tracks, and the cluster that follows it.

    Each wait but that for an installation is bounded by the client's time-out for a reconciliation.
    """

    def __init__(self, kube: Kube, server: GitServer, flux: Flux, namespace: str) -> None:
        self.kube = kube
        self.git = server
        self.flux = flux
        self.namespace = namespace
        """Of apps."""

    @classmethod
    def of(cls, site: Site) -> Self:
        """Return the branch that a cluster tracks, on which single sign-on is installed."""
        stack = site.stack
        return cls(site.kube, stack.git, stack.single_sign_on(), stack.clients.platform.apps)

    def install(self, packages: Sequence[FluxPackage]) -> None:
        """Install packages side by side by one commit; returns when each is Ready.

        They share the server, so the time-out is that of a whole platform. Raises ``WaitFailed``
        as soon as Flux has given one up.
        """
        changes: dict[str, str | bytes | None] = {}
        names = ", ".join(package.name for package in packages)
        with self.git.lock:
            tree = self.git.read(ROOT_KUSTOMIZATION)
            for package in packages:
                changes.update(package.files)
                tree = listed(tree, add=package.entry)
            self.push({**changes, ROOT_KUSTOMIZATION: tree}, f"Install {names}")
        waits = [
            # The release's own status: the Kustomization's check of its health comes every 5 s.
            Wait(
                self.flux.ref("HelmRelease", package.name, self.namespace),
                reconciled(),
                fail_on=hopeless(),
            )
            for package in packages
        ]
        wait_all(self.kube, waits, timeout=self.kube.timeouts.stack)

    def remove(self, apps: Sequence[TrackedApp]) -> None:
        """Remove apps with their data; does not wait until Flux has done so.

        Each release is also deleted by itself, and not suspended then, whatever a check has done to
        it: Flux leaves what a suspended one has installed, and does not prune what it applies only
        if it is not there.
        """
        releases = [self.flux.ref("HelmRelease", app.name, self.namespace) for app in apps]
        for release in releases:
            if (found := self.kube.find(*release)) and found["spec"].get("suspend"):
                self.flux.resume(release.kind, release.name, release.namespace)
        names = ", ".join(app.name for app in apps)
        changes: dict[str, str | bytes | None] = {}
        with self.git.lock:
            tree = self.git.read(ROOT_KUSTOMIZATION)
            paths = self.git.files()
            for app in apps:
                tree = listed(tree, remove=app.package.entry)
                changes.update({path: None for path in paths if path in app.committed.files})
            self.git.commit({**changes, ROOT_KUSTOMIZATION: tree}, f"Remove {names}")
        self.flux.reconcile("GitRepository", self.flux.source)
        for release in releases:
            self.kube.delete(*release)
        for app in apps:
            for claim in app.claims():
                name = claim["metadata"]["name"]
                self.kube.delete("v1", "PersistentVolumeClaim", name, app.namespace)

    def push_commits(self, commits: Mapping[TrackedApp, Commit]) -> str:
        """Push what several commits make of several apps as one; return the commit's hash."""
        changes: dict[str, str | bytes | None] = {}
        for app, commit in commits.items():
            changes.update(app.become(commit))
        if not changes:
            return ""
        messages = (f"{app.name}: {commit.message}" for app, commit in commits.items())
        return self.push(changes, "\n".join(messages))

    def push(self, changes: Changes, message: str, branch: str = "main") -> str:
        """Push a commit, have Flux look at the repository now, and return the commit's hash."""
        sha = self.git.commit(changes, message, branch)
        token = self.flux.reconcile("GitRepository", self.flux.source)
        self.flux.wait_ready("GitRepository", self.flux.source, token=token)
        return sha

    @contextmanager
    def server_unreachable(self) -> Iterator[None]:
        """Take the Git server away from Flux and everybody else; Flux looks for it at once."""
        service = ("v1", "Service", git.SERVER, self.git.namespace)
        self.kube.patch(*service, {"spec": {"selector": {"outage": "true"}}})
        try:
            self.flux.reconcile("GitRepository", self.flux.source)
            yield
        finally:
            self.kube.patch(*service, {"spec": {"selector": {"outage": None}}})

    def wait_for_repository(self, condition: Condition, timeout: float | None = None) -> str:
        """Wait for a condition of the tracked GitRepository; return what it says of itself."""
        repository = self.flux.ref("GitRepository", self.flux.source)
        item = wait(
            self.kube, repository, condition, timeout=timeout or self.kube.timeouts.reconciliation
        )
        return _outcome(item).explanation

    def cluster_credential(self) -> Credential:
        """Return what the cluster authenticates with at the Git server."""
        secret = self.flux.get("GitRepository", self.flux.source)["spec"]["secretRef"]["name"]
        data = self.kube.get("v1", "Secret", secret, self.flux.namespace)["data"]
        user, password = (base64.b64decode(data[key]).decode() for key in ("username", "password"))
        return Credential(user, password)

    def fetched(self) -> str:
        """Return the revision that Flux has fetched last, as ``branch@sha1:hash``."""
        return str(
            self.flux.get("GitRepository", self.flux.source)["status"]["artifact"]["revision"]
        )


class TrackedApp:
    """One app in the tracked branch."""

    def __init__(
        self, branch: TrackedBranch, package: FluxPackage, app: App, http: HttpClient, domain: str
    ) -> None:
        self.branch = branch
        self.package = package
        self.committed = package
        self.name = package.name
        self.namespace = branch.namespace
        self.http = http
        self.url = f"https://{self.name}.{domain}"
        self.app = app
        self._kube = branch.kube
        self._flux = branch.flux
        selector = f"app.kubernetes.io/instance={self.name}"
        self.instance = Instance(
            self._kube, self.namespace, selector, self.url, http, container=app.name
        )

    @property
    def login_url(self) -> str:
        """Where a login to the app begins."""
        return f"{self.url}{self.app.login.path}"

    def seed(self) -> Seed:
        """Put some data in, through the app and into its volume."""
        self.wait_served()
        return self.app.seed(self.instance, SeedScale.SMALL)

    def verify(self, seed: Seed) -> None:
        """Raise ``DataDiffers`` unless the seeded data is there, and unchanged."""
        self.wait_served()
        self.app.verify(self.instance, seed)

    def wait_served(self) -> None:
        """Wait until the ingress has the app; it reloads some moments after a pod is Ready."""
        self.http.get_routed(f"{self.url}/health/ready").raise_for_status()

    def ask(self, path: str) -> Object:
        """Return the app's answer in JSON."""
        response = self.http.get_routed(f"{self.url}{path}")
        response.raise_for_status()
        answer: Object = response.json()
        return answer

    def version(self) -> tuple[str, int]:
        """Return the version that runs, and the schema of its data."""
        answer = self.ask("/version")
        return answer["app"], answer["schema"]

    def push(self, commit: Commit) -> str:
        """Push a commit and have Flux fetch it; return its hash.

        The package is then as it was made, but for the changes of this commit.
        """
        return self.branch.push_commits({self: commit})

    def bring(self, commit: Commit) -> None:
        """Push a commit if the app is installed, else install the app as the commit makes it."""
        tree = self.branch.git.read(ROOT_KUSTOMIZATION)
        if listed(tree, add=self.package.entry) == tree:
            self.push(commit)
        else:
            self.committed = self.package.with_commit(commit)
            self.put_back()

    def push_files(self, files: Mapping[str, str], message: str) -> str:
        """Push these files as they are; they go when the app is removed or another commit is made.

        Returns the commit's hash once Flux has fetched it.
        """
        self.committed = FluxPackage(self.name, {**self.committed.files, **files})
        return self.branch.push(files, message)

    def become(self, commit: Commit) -> dict[str, str | None]:
        """Return the changes of files that a commit stands for, and count them as made."""
        wanted = self.package.with_commit(commit)
        changes = self.committed.changes_to(wanted)
        self.committed = wanted
        return changes

    def take_out(self) -> None:
        """Remove the app's file from the tree; returns when Flux has pruned what came of it."""
        git, file = self.branch.git, f"flux2/{self.package.entry}"
        with git.lock:
            tree = listed(git.read(ROOT_KUSTOMIZATION), remove=self.package.entry)
            self.branch.push({file: None, ROOT_KUSTOMIZATION: tree}, f"Remove {self.name}")
        gone = [
            self._flux.ref("Kustomization", self.name),
            self._release,
            Ref("apps/v1", "Deployment", self.name, self.namespace),
        ]
        self._wait_deleted(gone)

    def put_back(self) -> None:
        """Add the app's file to the tree again; returns when Flux has installed the app."""
        self.branch.install([self.committed])

    def outcome(self, sha: str) -> Outcome:
        """Wait until Flux has applied commit ``sha`` to the app, or could not; return which."""
        attempted = _settled(lambda item: sha in item["status"]["lastAttemptedRevision"])
        return _outcome(self._wait(self._flux.ref("Kustomization", self.name), attempted))

    def wait_applied(self, sha: str) -> None:
        """Wait until Flux has applied commit ``sha``: the whole tree, and this app."""
        self._flux.sync(sha, (self._flux.root, self.name))

    def upgrade_outcome(self, chart_version: str) -> Outcome:
        """Wait until an upgrade to this version of the chart was made or failed; return which."""
        condition = _settled(
            lambda item: bool(item["status"]["lastAttemptedRevision"] == chart_version)
        )
        return _outcome(self._wait(self._release, condition))

    def wait_upgraded(self, chart_version: str) -> None:
        """Wait until the release is Ready with this version of the chart."""
        self._flux.wait_ready("HelmRelease", self.name, self.namespace, revision=chart_version)

    def wait_given_up(self, chart_version: str) -> None:
        """Wait until Flux has failed to upgrade and done what it does about that."""
        attempted = matching(
            f"at its attempt of {chart_version}",
            lambda item: bool(item["status"]["lastAttemptedRevision"] == chart_version),
        )
        self._wait(self._release, attempted & condition_true("Stalled"))

    def wait_chart_looked_at(self, sha: str) -> None:
        """Wait until Flux has looked for a new version of the chart in commit ``sha``."""
        condition = matching(
            f"built from {sha}",
            lambda item: sha in item["status"]["observedSourceArtifactRevision"],
        )
        name = f"{self.namespace}-{self.name}"
        self._wait(self._flux.ref("HelmChart", name), condition)

    def reconcile_manifests(self) -> None:
        """Bring forward the next regular reconciliation of the app's Kustomization, and wait."""
        token = self._flux.reconcile("Kustomization", self.name)
        self._flux.wait_handled("Kustomization", self.name, token=token)

    def reconcile_release(self) -> None:
        """Bring forward the next regular reconciliation of the app's HelmRelease, and wait."""
        token = self._flux.reconcile("HelmRelease", self.name, self.namespace)
        self._flux.wait_handled("HelmRelease", self.name, self.namespace, token=token)

    def wait_reconciled(self) -> None:
        """Wait until the release is Ready as its manifests and values are now, and served."""
        token = self._flux.reconcile("HelmRelease", self.name, self.namespace)
        self._flux.wait_ready("HelmRelease", self.name, self.namespace, token=token)
        self.wait_served()

    def destroy(self) -> None:
        """Take away what runs and the volumes with their data; returns when they are gone."""
        deployment = Ref("apps/v1", "Deployment", self.name, self.namespace)
        claims = [
            Ref("v1", "PersistentVolumeClaim", claim["metadata"]["name"], self.namespace)
            for claim in self.claims()
        ]
        for item in (deployment, *claims):
            self._kube.delete(*item)
        self._wait_deleted([deployment, *claims])

    def explanation(self) -> str:
        """Return what the release's conditions and warning Events say."""
        return self._flux.explain("HelmRelease", self.name, self.namespace)

    def specifications(self) -> dict[str, Any]:
        """Return what a change of the app would change."""
        release = self._flux.get("HelmRelease", self.name, self.namespace)
        deployment = self._kube.get("apps/v1", "Deployment", self.name, self.namespace)
        return {"HelmRelease": release["spec"], "Deployment": deployment["spec"]}

    def digest(self) -> str:
        """Return the digest of the image that the app's pod runs. Raises ``NoRunningPod``."""
        statuses = self.instance.pod()["status"]["containerStatuses"]
        [image] = [one["imageID"] for one in statuses if one["name"] == self.instance.container]
        return str(image).rpartition("@")[2]

    def claims(self) -> list[Object]:
        """Return the app's PersistentVolumeClaims."""
        labels = f"{BACKUP_SET}={self.name}"
        return self._kube.list("v1", "PersistentVolumeClaim", self.namespace, labels=labels)

    @property
    def _release(self) -> Ref:
        return self._flux.ref("HelmRelease", self.name, self.namespace)

    def _wait(self, which: Ref, condition: Condition) -> Object:
        return wait(self._kube, which, condition, timeout=self._kube.timeouts.reconciliation)

    def _wait_deleted(self, gone: Iterable[Ref]) -> None:
        waits = [Wait(item, deleted()) for item in gone]
        wait_all(self._kube, waits, timeout=self._kube.timeouts.reconciliation)


def _settled(attempted: Callable[[Object], bool]) -> Condition:
    """Return the condition that an attempt is over, well or badly."""
    return matching(
        "done with the attempt",
        lambda item: bool(
            attempted(item) and (find_condition(item, "Ready") or {})["status"] != "Unknown"
        ),
    )


def _outcome(item: Object) -> Outcome:
    condition = find_condition(item, "Ready") or {}
    return Outcome(condition.get("status") == "True", str(condition.get("message", "")))
