"""A maintainer's Stackspin on a fresh cluster: installed from its tree, then used as it is."""

from __future__ import annotations

import base64
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from conformance.clusters.base import Cluster
from conformance.common.redaction import names_a_secret
from conformance.common.settings import Settings, data_root
from conformance.components.builder import Components
from conformance.kube.apply import apply
from conformance.kube.client import Kube
from conformance.kube.conditions import exists, rolled_out
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import Wait, wait, wait_all
from conformance.linter.files import KUSTOMIZATION_FILES
from conformance.platform import conventions
from conformance.platform.checking import what_does_not_hold
from conformance.platform.discovery import read_cluster, web_of
from conformance.platform.git_server import make_credentials, serve_repository
from conformance.platform.installed import homes
from conformance.platform.installed.given import authority_by, authority_of, not_as_described
from conformance.platform.installed.stack import InstalledStack
from conformance.platform.namespaces import RUN_LABEL
from conformance.platform.reference import bootstrap
from conformance.platform.reference.content import CONTROLLERS, flux_manifests, rendered
from conformance.platform.reference.context import Context
from conformance.platform.reference.levels import BOOTSTRAP_IMAGES, FLUX_IMAGES
from conformance.platform.tree import served
from conformance.platform.tree.given import GivenTree
from conformance.platform.tree.images import images_named
from conformance.platform.tree.progress import wait_for_all
from conformance.platform.tree.variables import with_defaults
from conformance.services import git
from conformance.services.flux import Flux
from conformance.services.git import GitServer
from conformance.services.ingress import HttpClient

FLUX_FILE = "gotk-components.yaml"
"""What `flux bootstrap` calls Flux's own manifests."""
_LOOK_SECONDS = 2.0
"""Between two looks at the platform that Flux has just installed; no API tells when an ingress
routes."""


class TreeStack(InstalledStack):
    """The platform of a tree; it is installed when something of it is first used.

    The methods raise ``HarnessError``, also because the platform is not as it is described.
    """

    def __init__(
        self,
        settings: Settings,
        cluster: Cluster,
        kube: Kube,
        components: Components,
        given: GivenTree,
        *,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(settings, cluster, kube, components, given)
        self._tree = given
        self._say = say
        self._context = Context(
            settings, cluster, kube, components, data_root(), say, steps=self._steps
        )

    def install(self) -> None:
        """Return when Flux has installed all of the tree, and it is as described."""
        self._steps.run("tree", self._install)

    def push_release(self, release: GivenTree) -> str:
        """Have the branch that Flux follows hold another release of the platform.

        The images that it has of the suite are there by then. Returns the hash of the branch's last
        commit.
        """
        self.install()
        self._context.images(images_of(release))
        server = self._steps.run("tree's repository", self._serve)
        bring_to(server, self._tree.branch, release.files, release.content.origin)
        head = server.head(self._tree.branch)
        assert head is not None  # noqa: S101 - the tree is committed
        return head

    def flux(self) -> Flux:
        """Return Flux, which follows the tree, and the run's own repository."""
        self.install()
        return super().flux()

    def backups(self) -> Flux:
        """Return when the backup location is Available."""
        self.install()
        return super().backups()

    @property
    def git(self) -> GitServer:
        """The run's own repository: the tree's is left as it was given."""
        self.install()
        return super().git

    @property
    def authority(self) -> bytes:
        """By what the issuer's certificate was trusted."""
        self.install()
        return super().authority

    def http(self) -> HttpClient:
        """Return a new session that reaches the platform's names at the node."""
        self.install()
        return super().http()

    def describe(self) -> dict[str, Any]:
        """Return seconds a step, and what the suite could not do for it."""
        return {**super().describe(), "not_run": dict(self._context.not_run)}

    def close(self) -> None:
        """Remove the clones of both repositories."""
        super().close()
        if isinstance(server := self._steps.result("tree's repository"), GitServer):
            server.close()

    def _install(self) -> None:
        described, steps = self._tree.described, self._steps
        images = [self._context.image(name) for name in images_of(self._tree)]
        self._namespaces()
        begun: list[Future[Any]] = [
            steps.start("tree's repository", self._serve),
            steps.start("dns", self._dns),
            steps.start("flux applied", self._controllers),
        ]
        for one in (*begun, *images):  # the kubelet waits longer and longer for one that is late
            one.result()
        self._variables()
        apply(self._kube, *self._tree.setup)
        steps.run("flux ready", self._controllers_ready)
        sources = [served.source_of(described, one) for one in self._tree.folders.values()]
        own = served.own_source(described, self._tree.branch)
        apply(self._kube, own, *sources, served.root(described, self._tree.path))
        server = steps.run("tree's repository", self._serve)
        head = server.head(self._tree.branch)
        assert head is not None  # noqa: S101 - the tree is committed
        commits = {described.flux.source: head}
        steps.run(
            "tree ready",
            lambda: wait_for_all(self._kube, commits, self._kube.timeouts.tree, self._say),
        )
        self._given = replace(self._given, authority=self._compare())

    def _namespaces(self) -> None:
        """Make those that are needed before Flux, and the run's own."""
        label = {RUN_LABEL: self._settings.run_id}
        own = [_namespace(one, label) for one in homes.BOTH]
        apply(
            self._kube,
            _namespace(served.HOME, {}),
            _namespace(self._tree.described.flux.namespace, {}),
            *own,
        )
        for name in homes.BOTH:
            wait(self._kube, Ref("v1", "ServiceAccount", "default", name), exists())

    def _dns(self) -> None:
        names = to_address(self._tree.described.domain, self._cluster.node_address)
        bootstrap.dns(self._context, names, with_others=self._cluster.egress)

    def _variables(self) -> None:
        values = with_defaults(self._tree.variables, self._tree.described.domain, self._cluster)
        shown = [value for name, value in values.items() if not names_a_secret(name)]
        self._kube.redactor.allow(*shown)
        namespace = self._tree.described.flux.namespace
        metadata = {"name": conventions.CLUSTER_VARIABLES, "namespace": namespace}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values}
        apply(self._kube, secret)

    def _serve(self) -> GitServer:
        """Install the Git server, and bring it to the tree."""
        self._context.images(["image-git-server"])
        found = self._kube.find("v1", "Secret", git.SERVER, served.HOME) or {}
        kept = {
            key: base64.b64decode(value).decode() for key, value in found.get("data", {}).items()
        }
        credential = (self._tree.described.flux.namespace, served.CREDENTIAL)
        reader, pusher = make_credentials(self._kube, served.HOME, credential, kept)
        manifest = self._context.bootstrap_file("git-server.yaml")
        url = serve_repository(self._kube, manifest, served.HOME, self._cluster.node_address)
        server = GitServer(self._kube, served.HOME, url, reader, pusher)
        server.fetch()
        bring_to(server, self._tree.branch, self._tree.files, self._tree.content.origin)
        for one in self._tree.folders.values():
            bring_to(server, one.served_as, one.files, f"In the place of {one.name}")
        return server

    def _controllers(self) -> None:
        manifests = self._flux_manifests()
        crds = [item for item in manifests if item["kind"] == "CustomResourceDefinition"]
        apply(self._kube, *crds)
        self._context.images(FLUX_IMAGES)
        apply(self._kube, *[item for item in manifests if item not in crds])

    def _flux_manifests(self) -> list[Object]:
        """Return Flux's manifests: the tree's own if it has some, as it manages itself then."""
        own = [path for path in self._tree.files if PurePosixPath(path).name == FLUX_FILE]
        if not own:
            return flux_manifests(self._components, self._tree.described.flux.namespace)
        path = min(own, key=lambda one: (one.count("/"), one))
        folder = str(PurePosixPath(path).parent)
        if not any(
            str(PurePosixPath(folder, one)) in self._tree.files for one in KUSTOMIZATION_FILES
        ):
            return [item for item in yaml.safe_load_all(self._tree.files[path]) if item]
        with tempfile.TemporaryDirectory(prefix="tree-") as made:
            for name, written in self._tree.files.items():
                file = Path(made, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(written)
            return rendered(self._components, Path(made, folder), f"{folder} of the tree")

    def _controllers_ready(self) -> None:
        namespace = self._tree.described.flux.namespace
        waits = [
            Wait(Ref("apps/v1", "Deployment", name, namespace), rolled_out())
            for name in CONTROLLERS
        ]
        wait_all(self._kube, waits, timeout=self._kube.timeouts.rollout)

    def _compare(self) -> bytes:
        """Return by what the platform's certificate is trusted, once all is as described."""
        deadline = time.monotonic() + self._kube.timeouts.routing_after_restart
        given_authority = authority_of(self._settings.ca_file)
        while True:
            cluster = read_cluster(self._kube)
            web = web_of(cluster, given_authority)
            described = self._tree.described
            problems = what_does_not_hold(self._tree.document, described, cluster, web)
            if not problems:
                return authority_by(web, described)
            if time.monotonic() > deadline:
                raise not_as_described(self._cluster.name, problems)
            time.sleep(_LOOK_SECONDS)


def images_of(tree: GivenTree) -> tuple[str, ...]:
    """Return the suite's images that the platform of a tree needs, in the order of use."""
    setup = yaml.safe_dump_all(tree.setup).encode()
    folders = [one for folder in tree.folders.values() for one in folder.files.values()]
    named = images_named([*tree.files.values(), setup, *folders])
    return tuple(dict.fromkeys((*BOOTSTRAP_IMAGES, *FLUX_IMAGES, *named)))


def to_address(domain: str, address: str) -> str:
    """Return what CoreDNS needs to lead a domain and all names in it to one IPv4 address.

    https://coredns.io/plugins/template/
    """
    return (
        f"template IN A {domain} {{\n"
        f'            answer "{{{{ .Name }}}} 30 IN A {address}"\n'
        "        }\n"
        f"        template IN ANY {domain} {{\n"
        "            rcode NOERROR\n"
        "        }"
    )


def bring_to(server: GitServer, branch: str, files: Mapping[str, bytes], message: str) -> None:
    """Have a branch hold exactly these files; nothing is committed if it does."""
    if server.head(branch) is None:
        server.commit(files, message, branch, start=branch)
        return
    gone = dict.fromkeys(path for path in server.files(branch) if path not in files)
    if changed := {**server.differing(files, branch), **gone}:
        server.commit(changed, message, branch)


def _namespace(name: str, labels: dict[str, str]) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
