"""A Stackspin that is on a cluster already: what is there is used, and nothing of it changed.

The suite adds its own Git server, and objects of Flux that follow it, in namespaces of its own.
Apps are installed from there as the platform installs its own: by its Flux, from Git.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from conformance.clusters.base import Cluster
from conformance.common.settings import Settings, data_root
from conformance.components.builder import Components
from conformance.kube.apply import apply, apply_file
from conformance.kube.client import Kube
from conformance.kube.conditions import ready
from conformance.kube.objects import Object
from conformance.kube.wait import wait_each
from conformance.platform import conventions
from conformance.platform.clients import Clients, pods_of
from conformance.platform.description import Flux as DescribedFlux
from conformance.platform.description import Platform
from conformance.platform.git_server import make_credentials, serve_repository
from conformance.platform.installed import homes
from conformance.platform.installed.given import GivenPlatform
from conformance.platform.installed.own_repository import OwnRepository
from conformance.platform.installed.relocation import Relocation
from conformance.platform.namespaces import RUN_LABEL
from conformance.platform.reference.content import ROOT_KUSTOMIZATION
from conformance.platform.stack import Stack
from conformance.platform.steps import Steps
from conformance.services import git
from conformance.services.flux import API_VERSIONS, Flux
from conformance.services.git import GitServer
from conformance.services.ingress import HttpClient

GIT_SERVER = "image-git-server"
"""The one component that a run adds to the platform."""
_CREDENTIAL = "stackspin-git"


class InstalledStack(Stack):
    """A platform of others, which the run has taken by its ledger."""

    def __init__(
        self,
        settings: Settings,
        cluster: Cluster,
        kube: Kube,
        components: Components,
        given: GivenPlatform,
        *,
        root: Path | None = None,
    ) -> None:
        """``root`` has the fixtures/ with the Git server's manifest."""
        super().__init__()
        self._settings = settings
        self._cluster = cluster
        self._kube = kube
        self._components = components
        self._given = given
        self._root = root or data_root()
        self._steps = Steps("platform", cluster.name)
        self.clients = Clients(kube, as_runs_see(given.described), settings.run_id)
        self._flux = self.clients.flux()

    def flux(self) -> Flux:
        """Have the platform's Flux follow the run's own repository."""
        self._steps.run("source", self._source)
        return self._flux

    def platform(self) -> Flux:
        """Return Flux: the infrastructure was found as described before the first check."""
        return self.flux()

    def single_sign_on(self) -> Flux:
        """Return when every part that a login needs has a pod that is Ready."""
        self.flux()
        self._steps.run("single sign-on", self._single_sign_on)
        return self._flux

    def backups(self) -> Flux:
        """Return when the backup location is Available."""
        velero = self.clients.velero()
        self._steps.run("backup location", lambda: velero.location_is("Available", velero.location))
        return self.flux()

    @property
    def git(self) -> GitServer:
        """The run's own repository."""
        return self._steps.run("repository", self._repository)

    @property
    def authority(self) -> bytes:
        """By what the issuer's certificate was trusted."""
        return self._given.authority

    def http(self) -> HttpClient:
        """Return a new session that reaches the platform's names at the ingress."""
        address = self._cluster.node_address
        return self._session(self._settings.domain, address, self._settings.timeouts)

    def describe(self) -> dict[str, Any]:
        """Return that nothing is substituted, and nothing left out."""
        return {"substitutes": [], "not_run": {}}

    def going_on(self) -> dict[str, float]:
        """Return the steps of the installation that go on, and for how many seconds each has."""
        return self._steps.going_on()

    def close(self) -> None:
        """Remove the clone of the repository; the ledger removes what is on the cluster."""
        if isinstance(server := self._steps.result("repository"), GitServer):
            server.close()

    def _single_sign_on(self) -> None:
        login = self._given.described.single_sign_on
        for part in (login.kratos.workload, login.hydra.workload, *login.needs.values()):
            wait_each(self._kube, pods_of(part), ready())

    def _repository(self) -> OwnRepository:
        self._push_image()
        reader, pusher = make_credentials(self._kube, homes.RUN, (homes.RUN, _CREDENTIAL), {})
        manifest = self._root / "fixtures" / "bootstrap" / "git-server.yaml"
        url = serve_repository(self._kube, manifest, homes.RUN, self._cluster.node_address)
        relocation = Relocation(
            self.clients.platform, self._given.described.flux.namespace, self._kustomizations()
        )
        made = OwnRepository(relocation, self._kube, homes.RUN, url, reader, pusher)
        made.commit(_first_files(), "What a run begins with")
        return made

    def _kustomizations(self) -> frozenset[str]:
        """Return the names of the platform's own Kustomizations."""
        namespace = self._given.described.flux.namespace
        found = self._kube.list(API_VERSIONS["Kustomization"], "Kustomization", namespace)
        return frozenset(one["metadata"]["name"] for one in found)

    def _push_image(self) -> None:
        self._cluster.image_registry()  # without one, nothing is built for it
        self._components.require(GIT_SERVER)
        layout = self._components.image_layout(GIT_SERVER)
        reference = self._components.image_reference(GIT_SERVER)
        self._cluster.push_image(layout, reference)

    def _source(self) -> None:
        """Give the platform's Flux the run's repository, and apps what a package expects."""
        expected = [*_expected(self._given, self._settings)]
        for one in expected:  # in a Secret, as on any Stackspin, but none
            self._kube.redactor.allow(*one.get("stringData", {}).values())
        apply(self._kube, *expected)
        repository = self.git
        head = repository.head()
        assert head is not None  # noqa: S101 - the repository has its first commit
        apply_file(
            self._kube,
            self._root / "fixtures" / "bootstrap" / "sources.yaml",
            url=git.cluster_url(homes.RUN),
            namespace=homes.RUN,
        )
        self._flux.sync(head, includes=lambda revision: repository.includes(revision, head))


def as_runs_see(described: Platform) -> Platform:
    """Return a platform whose namespaces of Flux and of apps are the run's own."""
    flux = DescribedFlux(namespace=homes.RUN, source=conventions.SOURCE, root=conventions.SOURCE)
    ingress = described.ingress.model_copy(update={"authority": conventions.AUTHORITY})
    own = {
        "flux": flux,
        "apps": homes.APPS,
        "ingress": ingress,
        "namespaces": (*described.namespaces, *homes.BOTH),
    }
    return described.model_copy(update=own)


def _first_files() -> dict[str, str | bytes | None]:
    """Return a tree that applies one object: kustomize refuses one without any."""
    entry = "packages.yaml"
    marker: Object = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "packages", "namespace": conventions.FLUX_NAMESPACE},
    }
    tree = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [entry],
    }
    return {
        ROOT_KUSTOMIZATION: yaml.safe_dump(tree, sort_keys=False),
        f"flux2/{entry}": yaml.safe_dump(marker, sort_keys=False),
    }


def _expected(given: GivenPlatform, settings: Settings) -> Iterable[Object]:
    """Yield what every package finds on a Stackspin: variables, and what to trust."""
    login = given.described.single_sign_on
    hosts = {
        "hydra_domain": str(urlsplit(login.issuer).hostname),
        "dashboard_domain": str(urlsplit(login.dashboard).hostname),
    }
    variables = {
        "domain": settings.domain,
        "admin_email": f"admin@{settings.domain}",
        "org_name": "Stackspin conformance suite",
        "outgoing_mail_from_address": f"no-reply@{settings.domain}",
    }
    made: list[tuple[str, str, str, dict[str, Any]]] = [
        ("Secret", homes.RUN, conventions.CLUSTER_VARIABLES, {"stringData": variables}),
        ("ConfigMap", homes.RUN, conventions.SINGLE_SIGN_ON_VARIABLES, {"data": hosts}),
    ]
    trusted = {"ca.crt": given.authority.decode()}
    made += [
        ("ConfigMap", namespace, conventions.AUTHORITY, {"data": trusted})
        for namespace in homes.BOTH
    ]
    for kind, namespace, name, content in made:
        labels = {RUN_LABEL: settings.run_id}
        metadata = {"name": name, "namespace": namespace, "labels": labels}
        yield {"apiVersion": "v1", "kind": kind, "metadata": metadata, **content}
