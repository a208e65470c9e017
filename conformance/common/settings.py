"""All options of a run and all its time-outs, in one place.

Values come from defaults, then environment variables (``STACKSPIN_CONFORMANCE_*``), then
command line options.
"""

from __future__ import annotations

import os
import secrets
import string
from dataclasses import dataclass, field
from pathlib import Path

from conformance.common.options import ENVIRONMENT_PREFIX, option

_PACKAGE = Path(__file__).resolve().parent.parent
PROJECT_ROOT = _PACKAGE.parent


def data_root() -> Path:
    """Return the folder that holds ``charts/`` and ``fixtures/``: the checkout, or the wheel's."""
    installed = _PACKAGE / "_data"
    return installed if installed.is_dir() else PROJECT_ROOT


@dataclass(frozen=True)
class Timeouts:
    """Upper bounds in seconds. Reaching one is a failure: waits return on the event."""

    node_ready: float = 60.0
    """From starting the node's processes to Ready; measured 5 s, slow disks take 10 times that."""
    dns: float = 60.0
    """From node Ready to CoreDNS answering; measured 3 s."""
    pod_ready: float = 120.0
    """One pod, image present in the local registry, including migrations in init containers."""
    rollout: float = 180.0
    """One Deployment, image present in the local registry."""
    reconciliation: float = 180.0
    """One Flux object after it was asked to reconcile; includes its health checks."""
    stack: float = 300.0
    """All of flux2/, from the first commit to every Kustomization and HelmRelease Ready."""
    tree: float = 900.0
    """The same of a maintainer's tree: nobody has measured it, and images may be fetched for it."""
    deletion: float = 120.0
    """One object with its finalizers; a namespace with claims takes 16 s."""
    crd: float = 30.0
    """A CRD that was applied until it is Established; measured 0.1 s, unless its names clash."""
    kind_served: float = 10.0
    """A kind whose CRD is Established until it is served; measured below 0.1 s."""
    volume_bound: float = 60.0
    """A claim that a pod uses until it is bound, or its impossibility explained; measured 3 s."""
    volume_reclaimed: float = 60.0
    """A deleted claim's volume until it is gone; measured 4 s."""
    upgrade: float = 180.0
    """One helm command that waits for pods: one stopped and one started; measured 12 s."""
    probe: float = 60.0
    """What a probe does: three failures two seconds apart, and a restart; measured 12 s."""
    routing: float = 30.0
    """What changed of an Ingress until its controller routes like that; measured 1 s."""
    routing_after_restart: float = 60.0
    """The same after a restart of the node: controller and DNS have to reach the API first."""
    oauth2_client: float = 30.0
    """What the operator makes of an OAuth2Client; measured 1 s."""
    mail: float = 20.0
    """One mail until it has arrived; measured 0.5 s."""
    transfer: float = 60.0
    """One request that carries 100 MB to or from an app, which may keep all of it first."""
    backup_location: float = 40.0
    """Velero's word on a location: it looks every 10 s, for 5 s at most."""
    velero_by_itself: float = 90.0
    """What Velero does unasked: schedule, expiry, a look at what is in the store."""
    command: float = 60.0
    """One command inside a container or on the node."""
    http: float = 10.0
    """One HTTP request to a Ready service."""
    log: float = 30.0
    """From an event in a container to the line in its log; measured below 0.1 on an idle node."""
    backup: float = 240.0
    """One backup or restore to its final phase; without a store, Velero tries for 100 s."""
    image_build: float = 600.0
    """One image built by buildah, Debian packages fetched over the network."""


def new_run_id() -> str:
    """Return six characters that are valid in a Kubernetes name and begin with a letter."""
    alphabet = string.ascii_lowercase + string.digits
    return secrets.choice(string.ascii_lowercase) + "".join(
        secrets.choice(alphabet) for _ in range(5)
    )


def cache_dir() -> Path:
    """Return the cache: ``STACKSPIN_CONFORMANCE_CACHE``, else in the XDG cache directory."""
    if explicit := os.environ.get(ENVIRONMENT_PREFIX + "CACHE"):
        return Path(explicit).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "stackspin-conformance"


def state_dir() -> Path:
    """Return the clusters' folder: ``STACKSPIN_CONFORMANCE_STATE``, else in the XDG state one."""
    if explicit := os.environ.get(ENVIRONMENT_PREFIX + "STATE"):
        return Path(explicit).expanduser().absolute()
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser().absolute() / "stackspin-conformance"


@dataclass(frozen=True)
class Settings:
    """One run's settings."""

    all: bool = option(
        False,
        "run the extended checks, too; those that -k, -m or the path of a capability, a file or a "
        "check names run without it",
        "the core checks",
        switch=True,
        reported=False,
    )
    lanes: str = option(
        "1",
        "how many checks may run at the same time on the cluster; what would disturb others, or be "
        "disturbed, runs alone. With --twins, --app or --pdb it is 1",
        choices=("1", "2", "3", "4"),
    )
    cluster: str = option(
        "auto", "provider of the cluster", choices=("auto", "kind", "embedded", "existing")
    )
    egress: bool = option(
        False,
        "for embedded: give the node a way out, by a network stack that is a process of this host "
        "and ends with the node",
        "it has one only if a --platform-repository takes something from elsewhere",
        switch=True,
    )
    snapshot: str = option(
        "never",
        "for embedded, with the reference platform: begin with a snapshot of it, which is made if "
        "none fits (auto); install it (never); or end if no snapshot fits (require)",
        choices=("auto", "never", "require"),
    )
    docker: str = option(
        "running",
        "for kind: the Docker engine that is running, or a private one that ends with the run if "
        "none is",
        choices=("running", "start"),
    )
    cluster_name: str = option("stackspin", "the cluster's name", of_pytest_kind=True)
    keep_cluster: bool = option(
        False,
        "keep the cluster for a later run",
        "it is deleted",
        of_pytest_kind=True,
        switch=True,
    )
    kubeconfig: Path | None = option(
        None,
        "for existing: the file with the cluster to test",
        "none",
        of_pytest_kind=True,
        path=True,
        reported=False,
    )
    context: str | None = option(
        None, "for existing: the context in the kubeconfig", "its current one"
    )
    node_address: str | None = option(
        None, "for existing: the address where hostPorts and NodePorts answer", "a node's own"
    )
    platform: str | None = option(
        None,
        "for existing: the platform that is on the cluster: its platform.yaml, or discover; with "
        "--platform-repository: its platform.yaml",
        "the suite installs its reference platform; platform.yaml of the repository",
    )
    platform_repository: str | None = option(
        None,
        "a platform's repository, a folder or a URL, that the suite installs on a fresh cluster",
        "the suite installs its reference platform",
        reported=False,
    )
    platform_branch: str = option(
        "main",
        "for --platform-repository: the branch that Flux follows; of a URL also the one to clone",
        reported=False,
    )
    platform_path: str = option(
        "flux2",
        "for --platform-repository: the folder in it that Flux begins at",
        reported=False,
    )
    platform_variables: Path | None = option(
        None,
        "for --platform-repository: what a Stackspin has as clusters/HOST/.flux.env",
        "domain and address of the cluster alone",
        path=True,
        reported=False,
    )
    platform_setup: Path | None = option(
        None,
        "for --platform-repository: folder with manifests that are applied before Flux begins, of "
        "what the platform has elsewhere",
        "none",
        path=True,
        reported=False,
    )
    source: tuple[str, ...] = option(
        (),
        "for --platform-repository: NAME=FOLDER, served in the place of the HelmRepository, "
        "OCIRepository or GitRepository of that name",
        "the cluster fetches each from where it is",
        several=True,
        reported=False,
    )
    ca_file: Path | None = option(
        None,
        "the authority that issued the platform's certificate, PEM",
        "those that everybody trusts, and the ConfigMaps of the cluster",
        path=True,
        reported=False,
    )
    domain: str = option("stackspin.test", "the platform's domain: apps answer at APP.DOMAIN")
    kind_image: str | None = option(
        None,
        "for kind: the node image",
        "upstream's, or else one built here",
        of_pytest_kind=True,
        reported=False,
    )
    dashboard_url: str | None = option(
        None,
        "address of a dashboard, in the domain, to test instead of the reference one",
        "the reference dashboard",
    )
    allow: tuple[str, ...] = option(
        (),
        "on a platform that the suite did not install: what checks may touch beside what they made "
        "themselves",
        "nothing",
        choices=("platform", "node"),
        several=True,
        reported=False,
    )
    app: tuple[Path, ...] = option(
        (),
        "package to test instead of the reference apps: a chart, a Flux package, or a folder with "
        "many of them; only the checks of apps run",
        "the reference apps",
        path=True,
        several=True,
        reported=False,
    )
    app_description: Path | None = option(
        None,
        "for --app: a conformance.yaml beside a package that one may not change",
        "the package's own",
        path=True,
        reported=False,
    )
    previous: Path | None = option(
        None,
        "for --app: an earlier version of the package, from which it is upgraded",
        "none: upgrades are not checked",
        path=True,
        reported=False,
    )
    app_allow: tuple[str, ...] = option(
        (),
        "for --app: what a package may reach beyond its own: objects of the whole cluster, those "
        "of the platform and of other apps, or the node",
        "nothing",
        choices=("cluster", "platform", "node"),
        several=True,
        reported=False,
    )
    app_fetch: bool = option(
        False,
        "for --app: fetch charts of Helm repositories and registries from their own address",
        "they are not there",
        switch=True,
        reported=False,
    )
    app_time: float = option(
        10.0,
        "for --app: minutes that one app may take",
        "10",
        number=True,
        reported=False,
    )
    parts: str = option(
        "auto",
        "how parts are obtained that are not in the cache: auto pulls what a registry has and "
        "builds the rest, build asks no registry, pull compiles nothing",
        choices=("auto", "build", "pull"),
    )
    mirror: tuple[str, ...] = option(
        (),
        "REGISTRY=HOST[/PREFIX]: where to ask for what is in a registry; own=HOST[/PREFIX]: where "
        "parts are that `components push` has put there",
        "the registries themselves",
        several=True,
        separator=",",
        reported=False,
    )
    reports_dir: Path = option(
        lambda: Path.cwd() / "reports",
        "folder for reports",
        "reports",
        path=True,
        reported=False,
    )
    run_id: str = field(default_factory=new_run_id)
    cache_dir: Path = field(default_factory=cache_dir)
    state_dir: Path = field(default_factory=state_dir)
    timeouts: Timeouts = field(default_factory=Timeouts)
