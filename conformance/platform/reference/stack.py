"""The levels of the installation: bootstrap, Flux, platform, single sign-on, backups, an app."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.clusters.base import Cluster
from conformance.common.pki import ServerCertificate
from conformance.common.settings import Settings, data_root
from conformance.components.builder import Components
from conformance.kube.apply import apply
from conformance.kube.client import Kube
from conformance.kube.conditions import rolled_out
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import Wait, wait_all
from conformance.platform.clients import Clients
from conformance.platform.reference import bootstrap
from conformance.platform.reference.content import (
    CONTROLLERS,
    FLUX_MANIFEST,
    ROOT_KUSTOMIZATION,
    VELERO_CRDS,
    listed,
    repository_files,
    velero_crds,
)
from conformance.platform.reference.context import Context
from conformance.platform.reference.described import reference_platform
from conformance.platform.reference.levels import (
    BACKUPS,
    BOOTSTRAP_IMAGES,
    FLUX_IMAGES,
    PLATFORM,
    SINGLE_SIGN_ON,
    Level,
)
from conformance.platform.reference.substitutes import SUBSTITUTES
from conformance.platform.stack import Stack
from conformance.platform.steps import Steps
from conformance.services import git
from conformance.services.flux import Flux
from conformance.services.git import GitServer
from conformance.services.ingress import HttpClient


@dataclass(frozen=True)
class App:
    """An app that Flux installed."""

    name: str
    namespace: str
    host: str
    """Its host name; it answers at ``https://HOST/``."""


class ReferenceStack(Stack):
    """The reference platform; idempotent, so on a kept cluster it uses what exists.

    ``say`` gets one line about everything that already existed. ``root`` has the charts/ and
    fixtures/ to install. The levels raise ``HarnessError`` or ``WaitTimeout``; a failed step is
    not tried again.
    """

    def __init__(
        self,
        settings: Settings,
        cluster: Cluster,
        kube: Kube,
        components: Components,
        *,
        root: Path | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        super().__init__()
        steps = Steps("platform", cluster.name)
        self._context = Context(
            settings, cluster, kube, components, root or data_root(), say, steps
        )
        self.clients = Clients(kube, reference_platform(settings.domain), settings.run_id)
        """Of its parts, by the names in its description."""
        self._flux = self.clients.flux()

    def dns(self) -> None:
        """Install CoreDNS where it is missing; returns when it answers."""
        self._steps.run("dns", self._dns)

    def bootstrap(self) -> None:
        """Install what Flux needs or cannot install itself: DNS, Git server, variables, CA."""
        self._begin_images(BOOTSTRAP_IMAGES)
        steps = self._steps
        begun: list[Future[Any]] = [
            steps.start("repository", lambda: bootstrap.repository(self._context)),
            steps.start("dns", self._dns),
            steps.start("variables", lambda: bootstrap.variables(self._context)),
            steps.start("certificate", lambda: bootstrap.certificate(self._context)),
        ]
        for future in begun:
            future.result()

    def flux(self) -> Flux:
        """Install Flux's controllers and let them track the Git repository's main branch."""
        self._begin_images((*BOOTSTRAP_IMAGES, *FLUX_IMAGES))
        self._steps.start("flux applied", self._controllers)
        self.bootstrap()
        self._steps.run("sources", self._sources)
        self._steps.run("flux ready", self._controllers_ready)
        return self._flux

    def platform(self) -> Flux:
        """Let Flux apply flux2/; returns when its Kustomizations and HelmReleases are Ready."""
        self._begin_images((*BOOTSTRAP_IMAGES, *FLUX_IMAGES, *PLATFORM.images))
        self._steps.start("flux applied", self._controllers)
        self.bootstrap()
        # On a cold machine these are built now; without its image a pod backs off for minutes.
        self._context.images(PLATFORM.images)
        self._steps.run("sources", self._sources)
        self._steps.run("infrastructure", self._infrastructure)
        return self._flux

    def single_sign_on(self) -> Flux:
        """Let Flux add Kratos, Hydra, mail and the dashboard; returns when they are Ready."""
        self._level(SINGLE_SIGN_ON, lambda: {})
        return self._flux

    def backups(self) -> Flux:
        """Let Flux add object store and Velero; returns when the backup location is Available."""
        self._level(BACKUPS, lambda: velero_crds(self._context.components))
        self._steps.run("backup location", self._backup_location)
        return self._flux

    def bucket_credentials(self) -> Object:
        """Return the Secret with the credentials of the backups' bucket: who loses the server and
        has not kept them has lost the backups.
        """
        found = self._context.kube.get(*bootstrap.BUCKET_CREDENTIALS)
        metadata = {key: found["metadata"][key] for key in ("name", "namespace")}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": found["data"]}

    def backups_with(self, bucket_credentials: Object) -> Flux:
        """Install as ``backups``, with the credentials of a bucket that there is already.

        Restored pods of single sign-on find their images in the cluster's registry.
        """
        self._begin_images(SINGLE_SIGN_ON.images)
        self.flux()
        self._context.images(SINGLE_SIGN_ON.images)
        apply(self._context.kube, bucket_credentials)
        return self.backups()

    def app(self, name: str) -> App:
        """Install a reference app by a commit that adds it to flux2/; returns when it is Ready.

        Its image must be in the registry.
        """
        self.single_sign_on()
        return self._steps.run(f"app {name}", lambda: self._app(name), "app")

    def push_release(self, root: Path) -> str:
        """Have the tracked branch hold the release whose charts/ and fixtures/ are in ``root``.

        Levels and apps that are installed stay so, and Flux is not replaced. Returns the hash of
        the branch's last commit.
        """
        files = repository_files(root)
        del files[ROOT_KUSTOMIZATION]  # says what is installed
        with self.git.lock:
            stays = {*files, ROOT_KUSTOMIZATION, FLUX_MANIFEST}
            gone = dict.fromkeys(
                path
                for path in self.git.files()
                if path not in stays and not path.startswith(f"{VELERO_CRDS}/")
            )
            return self.git.commit({**self.git.differing(files), **gone}, "The next release")

    @property
    def git(self) -> GitServer:
        """The Git repository that Flux tracks."""
        return self._steps.run("repository", lambda: bootstrap.repository(self._context))

    @property
    def _certificate(self) -> ServerCertificate:
        """The platform's wildcard certificate; its ``ca_certificate`` is what clients trust."""
        return self._steps.run("certificate", lambda: bootstrap.certificate(self._context))

    @property
    def authority(self) -> bytes:
        """What the suite's clients trust: the authority of the platform's certificate."""
        return self._certificate.ca_certificate

    def http(self) -> HttpClient:
        """Return a new session that reaches the platform's names at the ingress."""
        settings = self._context.settings
        address = self._context.cluster.node_address
        return self._session(settings.domain, address, settings.timeouts)

    def describe(self) -> dict[str, Any]:
        """Return substitutes, and what could not be installed, for the report."""
        return {
            "substitutes": [dict(item) for item in SUBSTITUTES],
            "not_run": dict(self._context.not_run),
        }

    def ends(self) -> dict[str, float]:
        """Return when each step was done, in seconds after the first one began."""
        return self._steps.ends()

    def going_on(self) -> dict[str, float]:
        """Return the steps of the installation that go on, and for how many seconds each has."""
        return self._steps.going_on()

    def close(self) -> None:
        """Remove what the suite keeps of the stack outside the cluster."""
        if isinstance(server := self._steps.result("repository"), GitServer):
            server.close()

    @property
    def _steps(self) -> Steps:
        return self._context.steps

    def _dns(self) -> None:
        settings = self._context.settings
        names = bootstrap.to_ingress(settings.domain)
        bootstrap.dns(self._context, names, with_others=settings.egress)

    def _begin_images(self, names: Iterable[str]) -> None:
        for name in names:
            self._context.image(name)

    def _controllers(self) -> None:
        context = self._context
        manifests = context.flux_manifests()
        context.namespaces()
        crds = [item for item in manifests if item["kind"] == "CustomResourceDefinition"]
        apply(context.kube, *crds)
        context.images(FLUX_IMAGES)
        apply(context.kube, *[item for item in manifests if item not in crds])

    def _sources(self) -> None:
        self._steps.run("flux applied", self._controllers)
        self._context.apply_bootstrap(
            "sources.yaml",
            url=git.cluster_url(bootstrap.GIT_NAMESPACE),
            namespace=self._flux.namespace,
        )

    def _controllers_ready(self) -> None:
        waits = [
            Wait(Ref("apps/v1", "Deployment", name, self._flux.namespace), rolled_out())
            for name in CONTROLLERS
        ]
        wait_all(self._context.kube, waits, timeout=self._context.settings.timeouts.rollout)

    def _infrastructure(self) -> None:
        self._steps.run("flux ready", self._controllers_ready)
        self._applied(PLATFORM.kustomizations)

    def _level(self, level: Level, files: Callable[[], dict[str, bytes]]) -> None:
        """Let Flux add a level, and commit with it the files that its charts lack."""
        self._begin_images(level.images)
        self.platform()
        self._context.images(level.images)
        self._steps.run(level.name, lambda: self._add(level, files()))

    def _add(self, level: Level, files: dict[str, bytes]) -> None:
        with self.git.lock:
            root = listed(self.git.read(ROOT_KUSTOMIZATION), add=level.entry)
            wanted = {ROOT_KUSTOMIZATION: root.encode(), **files}
            if changed := self.git.differing(wanted):
                self.git.commit(changed, f"Install {level.name}")
        self._applied(level.kustomizations)

    def _backup_location(self) -> None:
        velero, timeout = self.clients.velero(), self._context.settings.timeouts.stack
        velero.location_is("Available", velero.location, timeout=timeout)

    def _applied(self, kustomizations: Iterable[str]) -> None:
        """Wait until these Kustomizations have applied the last commit, and are healthy.

        Or a later one: levels and apps may be installed side by side, each by a commit.
        """
        repository, head = self.git, self.git.head()
        assert head is not None  # noqa: S101 - main has at least the commit of the repository
        timeout = self._context.settings.timeouts.stack
        self._flux.sync(
            head,
            (self._flux.root, *kustomizations),
            includes=lambda revision: repository.includes(revision, head),
            timeout=timeout,
        )

    def _app(self, name: str) -> App:
        with self.git.lock:
            old = self.git.read(ROOT_KUSTOMIZATION)
            new = listed(old, add=f"apps/{name}.yaml")
            if new == old:
                self._context.say(f"stack: {name} is installed, kept")
            else:
                self.git.commit({ROOT_KUSTOMIZATION: new}, f"Install {name}")
        self._applied((f"add-{name}", f"{name}-secrets", name))
        release = self._flux.wait_ready("HelmRelease", name, self.clients.platform.apps)
        namespace = release["spec"].get("targetNamespace", release["metadata"]["namespace"])
        return App(name, namespace, f"{name}.{self._context.settings.domain}")
