"""All options of a run, in one place.

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
from conformance.common.timeouts import Timeouts

_PACKAGE = Path(__file__).resolve().parent.parent
PROJECT_ROOT = _PACKAGE.parent
CACHE_VARIABLE = f"{ENVIRONMENT_PREFIX}CACHE"
STATE_VARIABLE = f"{ENVIRONMENT_PREFIX}STATE"


def data_root() -> Path:
    """Return the folder that holds ``charts/`` and ``fixtures/``: the checkout, or the wheel's."""
    installed = _PACKAGE / "_data"
    return installed if installed.is_dir() else PROJECT_ROOT


def new_run_id() -> str:
    """Return six characters that are valid in a Kubernetes name and begin with a letter."""
    alphabet = string.ascii_lowercase + string.digits
    return secrets.choice(string.ascii_lowercase) + "".join(
        secrets.choice(alphabet) for _ in range(5)
    )


def cache_dir() -> Path:
    """Return the cache: ``STACKSPIN_CONFORMANCE_CACHE``, else in the XDG cache directory."""
    if explicit := os.environ.get(CACHE_VARIABLE):
        return Path(explicit).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "stackspin-conformance"


def state_dir() -> Path:
    """Return the clusters' folder: ``STACKSPIN_CONFORMANCE_STATE``, else in the XDG state one."""
    if explicit := os.environ.get(STATE_VARIABLE):
        return Path(explicit).expanduser().absolute()
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser().absolute() / "stackspin-conformance"


@dataclass(frozen=True)
class Settings:
    """One run's settings."""

    all: bool = option(
        False,
        "run the extended checks, too; those that -k, -m or a path names run without it",
        "the core checks",
        switch=True,
        reported=False,
    )
    lanes: str = option(
        "auto",
        "how many checks may run at once on the cluster; one that would disturb others, or be "
        "disturbed, runs alone. auto: 2 if all are core checks. Always 1 with --clusters, --twins, "
        "--app or --pdb",
        choices=("auto", "1", "2", "3", "4"),
    )
    clusters: str = option(
        "1",
        "how many clusters the checks are divided among; auto: one for each processor, as far as "
        "there are 6 GiB of memory for each. Always 1 with --app or --pdb",
        choices=("1", "2", "3", "4", "auto"),
    )
    repeat: str = option(
        "1",
        "how often each chosen check runs; one that failed once has failed, and the report says "
        "how often it passed",
        reported=False,
    )
    rerun_failed: Path | None = option(
        None,
        "run the checks that failed in this report (report.json or its folder), or could not run "
        "because of an error",
        "all checks",
        path=True,
        reported=False,
    )
    shard: str | None = option(
        None,
        "K/N: run part K of N of the chosen checks; `stackspin-conformance report merge` makes one "
        "report of all parts",
        "all of them",
        reported=False,
    )
    shard_times: Path | None = option(
        None,
        "a report by whose times the checks are divided; for --shard, the same one for all parts",
        "for --shard, each check counts the same; for --clusters, the last report",
        path=True,
        reported=False,
    )
    pause_on_failure: bool = option(
        False,
        "stop before the clean-up of a check that failed, until a key is pressed, and say how to "
        "enter the cluster; only at a terminal",
        "the run goes on",
        switch=True,
        reported=False,
    )
    cluster: str = option(
        "auto", "provider of the cluster", choices=("auto", "kind", "embedded", "existing")
    )
    egress: bool = option(
        False,
        "for embedded: let the node reach other networks, through a process of this host that ends "
        "with the node",
        "only if a --platform-repository takes something from elsewhere",
        switch=True,
    )
    snapshot: str = option(
        "never",
        "for embedded, with the reference platform: auto begins with a snapshot of it, made if "
        "none fits; never installs it; require ends the run if none fits",
        choices=("auto", "never", "require"),
    )
    docker: str = option(
        "running",
        "for kind: the Docker engine that is running; with start, if none is, a private one that "
        "ends with the cluster",
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
        "for existing: the kubeconfig of the cluster to test",
        "what kubectl would use",
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
        "for existing: the platform.yaml of the platform on the cluster, or discover; with "
        "--platform-repository: its platform.yaml",
        "the reference platform is installed; with --platform-repository, the platform.yaml in it",
    )
    platform_repository: str | None = option(
        None,
        "a platform's repository, a folder or a URL: it is installed on a fresh cluster",
        "the reference platform is installed",
        reported=False,
    )
    platform_branch: str = option(
        "main",
        "for --platform-repository: the branch that Flux follows, and that is cloned from a URL",
        reported=False,
    )
    platform_path: str = option(
        "flux2",
        "for --platform-repository: the folder in it where Flux begins",
        reported=False,
    )
    platform_variables: Path | None = option(
        None,
        "for --platform-repository: a file like a Stackspin's clusters/HOST/.flux.env",
        "what the suite knows of the cluster: its domain, address and the like",
        path=True,
        reported=False,
    )
    platform_setup: Path | None = option(
        None,
        "for --platform-repository: folder of manifests that are applied before Flux begins: what "
        "the platform has elsewhere",
        "none",
        path=True,
        reported=False,
    )
    source: tuple[str, ...] = option(
        (),
        "for --platform-repository: NAME=FOLDER, served in place of the HelmRepository, "
        "OCIRepository or GitRepository NAME",
        "the cluster fetches each from its own address",
        several=True,
        reported=False,
    )
    previous_platform: str | None = option(
        None,
        "for --platform-repository: its previous release, a folder or a URL; another cluster is "
        "upgraded from that to the platform under test",
        "none: the platform's upgrade is not checked",
        reported=False,
    )
    ca_file: Path | None = option(
        None,
        "the authority that issued the platform's certificate, PEM, in place of public ones; those "
        "in ConfigMaps of the cluster are tried as well",
        "public authorities",
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
        "address, in the domain, of a dashboard to test instead of the reference one",
        "the reference dashboard",
    )
    allow: tuple[str, ...] = option(
        (),
        "on a platform that the suite did not install: what checks may touch besides what they "
        "made themselves",
        "nothing",
        choices=("platform", "node"),
        several=True,
        reported=False,
    )
    app: tuple[Path, ...] = option(
        (),
        "package to test instead of the reference apps: a chart, a Flux package, or a folder of "
        "them; only the checks of apps run",
        "the reference apps",
        path=True,
        several=True,
        reported=False,
    )
    app_description: Path | None = option(
        None,
        "for --app: a conformance.yaml for a package that you may not change",
        "the package's own",
        path=True,
        reported=False,
    )
    previous: Path | None = option(
        None,
        "for --app: an earlier version of the package, to upgrade from",
        "none: upgrades are not checked",
        path=True,
        reported=False,
    )
    app_allow: tuple[str, ...] = option(
        (),
        "for --app: what a package may reach beyond its own objects: those of the whole cluster, "
        "those of the platform and of other apps, or the node",
        "nothing",
        choices=("cluster", "platform", "node"),
        several=True,
        reported=False,
    )
    app_fetch: bool = option(
        False,
        "for --app: fetch charts of Helm repositories and registries from their own address",
        "none is fetched",
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
    timeout_factor: float = option(
        1.0,
        "how many times as long as usual to wait: a number above 1 for a slow machine",
        "1",
        number=True,
        reported=False,
    )
    timeout_of: tuple[str, ...] = option(
        (),
        "NAME=SECONDS: how long to wait for one thing; docs/options.md lists the names",
        "as listed, times --timeout-factor",
        several=True,
        separator=",",
        reported=False,
    )
    parts: str = option(
        "auto",
        "how to obtain parts that are not in the cache: auto pulls what a registry has and builds "
        "the rest, build asks no registry, pull compiles nothing",
        choices=("auto", "build", "pull"),
    )
    mirror: tuple[str, ...] = option(
        (),
        "REGISTRY=HOST[/PREFIX]: where to ask instead of that registry; own=HOST[/PREFIX]: where "
        "`components push` has put parts",
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
