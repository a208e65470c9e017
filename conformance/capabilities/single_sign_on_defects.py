"""Defects of the single sign-on checks' twins: what a check, or the platform, does wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from conformance import settings as places
from conformance.apps.tracked import APPS_NAMESPACE
from conformance.kube.conditions import rolled_out
from conformance.kube.wait import wait_for
from conformance.services.flux import API_VERSIONS

if TYPE_CHECKING:
    from conformance.capabilities.single_sign_on_parties import Parties
    from conformance.kube.client import Kube
    from conformance.package import Package
    from conformance.twins import Twin

NAMESPACE = "stackspin"
Deployment = tuple[str, str, str, str]
Damage = Callable[["Parties"], AbstractContextManager[None]]
POLICY = ("networking.k8s.io/v1", "NetworkPolicy")


@dataclass(frozen=True)
class Source:
    """Where the source of what is installed as a release, and a Deployment, is."""

    release: str
    namespace: str
    folder: str
    """In a package."""
    installed: str
    """In its image."""
    address: str
    """Answers once it serves."""
    fixture: str
    """Installs it."""


SOURCES = (
    Source(
        release="dashboard",
        namespace=NAMESPACE,
        folder="fixtures/services/dashboard/dashboard",
        installed="/usr/lib/stackspin-dashboard/dashboard",
        address="https://dashboard.{domain}/web/login",
        fixture="parties",
    ),
    Source(
        release="notes",
        namespace=APPS_NAMESPACE,
        folder="fixtures/apps/notes/notes",
        installed="/usr/local/lib/python3.11/dist-packages/notes",
        address="https://notes.{domain}/",
        fixture="journey",
    ),
)


class Told(Protocol):
    """Returns what the twin has its check do instead; ``otherwise`` in a normal run."""

    def __call__(self, name: str, otherwise: str = "") -> str:
        """Return the twin's setting ``name``."""


@pytest.fixture
def told(twin: Twin | None) -> Told:
    """What the twin has its check do instead: ``told("password", otherwise="wrong")``."""
    settings: Mapping[str, str] = twin.settings if twin else {}

    def tell(name: str, otherwise: str = "") -> str:
        return settings.get(name, otherwise)

    return tell


@pytest.fixture
def damage(twin: Twin | None, request: pytest.FixtureRequest) -> Iterator[None]:
    """Do to the platform, for one check, what the twin's patches and setting ``damage`` say."""
    if twin is None or not (twin.patches or "damage" in twin.settings):
        yield
        return
    parties: Parties = request.getfixturevalue("parties")
    with ExitStack() as stack:
        for source in SOURCES if twin.patches else ():
            if changed := _changed_files(request.getfixturevalue("package"), source.folder):
                request.getfixturevalue(source.fixture)
                stack.enter_context(_on_files(parties, source, changed))
        if damage := twin.settings.get("damage"):
            stack.enter_context(DAMAGES[damage](parties))
        yield


@contextmanager
def _on_files(parties: Parties, source: Source, changed: dict[str, str]) -> Iterator[None]:
    """Have a service or app run on these files of its source in place of its image's."""
    kube, name = parties.kube, f"{source.release}-twin"
    keys = {path: path.replace("/", "-") for path in changed}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    config_map["data"] = {keys[path]: text for path, text in changed.items()}
    kube.apply(config_map, namespace=source.namespace)
    mounts = [
        {"name": name, "mountPath": f"{source.installed}/{path}", "subPath": key}
        for path, key in keys.items()
    ]
    try:
        with _with_mounts(kube, source, mounts, {"name": name, "configMap": {"name": name}}):
            parties.http().get_routed(source.address.format(domain=parties.domain))
            yield
    finally:
        kube.delete("v1", "ConfigMap", name, source.namespace)
    parties.http().get_routed(source.address.format(domain=parties.domain))


def _changed_files(package: Package, folder: str) -> dict[str, str]:
    """Return the text, by path below ``folder``, of the files that a twin has patched."""
    root, original = package.root / folder, places.data_root() / folder
    texts = {
        path.relative_to(root): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return {
        path.as_posix(): text.decode()
        for path, text in texts.items()
        if text != (original / path).read_bytes()
    }


@contextmanager
def _with_mounts(
    kube: Kube, source: Source, mounts: list[dict[str, str]], volume: dict[str, Any]
) -> Iterator[None]:
    """Within the body, a Deployment's pods have more mounts, and Flux leaves them so."""
    deployment = ("apps/v1", "Deployment", source.release, source.namespace)
    release = (API_VERSIONS["HelmRelease"], "HelmRelease", source.release, source.namespace)
    before = kube.get(*deployment)["spec"]["template"]["spec"]
    containers, volumes = before["containers"], before.get("volumes")
    more = [{**one, "volumeMounts": [*one.get("volumeMounts", ()), *mounts]} for one in containers]
    kube.patch(*release, {"spec": {"suspend": True}})
    try:
        _run_as(kube, deployment, containers=more, volumes=[*(volumes or ()), volume])
        yield
    finally:
        _run_as(kube, deployment, containers=containers, volumes=volumes)
        kube.patch(*release, {"spec": {"suspend": None}})


def _run_as(kube: Kube, deployment: Deployment, **changes: object) -> None:
    """Change the spec of a Deployment's pods; returns when such pods have taken over."""
    kube.patch(*deployment, {"spec": {"template": {"spec": changes}}})
    wait_for(kube, rolled_out(), *deployment)


@contextmanager
def _admin_api_on_ingress(parties: Parties) -> Iterator[None]:
    """Hydra's admin API is on the ingress, below the provider's own host name."""
    backend = {"service": {"name": "hydra-admin", "port": {"name": "http"}}}
    path = {"path": "/admin", "pathType": "Prefix", "backend": backend}
    host = f"sso.{parties.domain}"
    ingress: dict[str, Any] = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "hydra-admin", "namespace": NAMESPACE},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": [path]}}]},
    }
    parties.kube.apply(ingress)
    try:
        parties.http().get_routed(f"https://{host}/admin/clients")
        yield
    finally:
        parties.kube.delete("networking.k8s.io/v1", "Ingress", "hydra-admin", NAMESPACE)


def _open_port(service: str, **port: str | int) -> Damage:
    """The NetworkPolicy of a service lets every pod of the cluster use a port."""

    @contextmanager
    def open_to_every_pod(parties: Parties) -> Iterator[None]:
        policy = (*POLICY, service, NAMESPACE)
        before = parties.kube.get(*policy)["spec"]["ingress"]
        opened = {"ports": [port]}
        parties.kube.patch(*policy, {"spec": {"ingress": [*before, opened]}})
        try:
            yield
        finally:
            parties.kube.patch(*policy, {"spec": {"ingress": before}})

    return open_to_every_pod


@contextmanager
def _second_policy(parties: Parties) -> Iterator[None]:
    """A NetworkPolicy beside those of the services lets every pod use everything."""
    parties.kube.apply(
        {
            "apiVersion": POLICY[0],
            "kind": POLICY[1],
            "metadata": {"name": "everything", "namespace": NAMESPACE},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]},
        }
    )
    try:
        yield
    finally:
        parties.kube.delete(*POLICY, "everything", NAMESPACE)


DAMAGES: dict[str, Damage] = {
    "admin API on the ingress": _admin_api_on_ingress,
    "Hydra's port admin for every pod": _open_port("hydra", port="admin"),
    "Hydra's port 4445 for every pod": _open_port("hydra", port=4445),
    "Hydra's ports 4440 to 4450 for every pod": _open_port("hydra", port=4440, endPort=4450),
    "Kratos' port admin for every pod": _open_port("kratos", port="admin"),
    "every port for every pod": _second_policy,
}
