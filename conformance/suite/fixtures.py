"""Fixtures of the checks. Each is lazy: what no selected check uses is never started."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from conformance.apps.images import BASE_IMAGES, can_build
from conformance.clusters.select import make_cluster
from conformance.common.package import Package
from conformance.common.run_folder import run_folder
from conformance.components.builder import Components
from conformance.kube.client import Kube
from conformance.oci.registry import Registry
from conformance.platform.clients import Clients
from conformance.platform.installed.foreign import foreign
from conformance.platform.installed.ledger import Ledger
from conformance.platform.installed.stack import InstalledStack
from conformance.platform.namespaces import Namespaces
from conformance.platform.site import Site, SiteMaker
from conformance.platform.tree.given import GivenTree
from conformance.services.browser import Browser
from conformance.suite.check import check_of, not_run, once, shared
from conformance.suite.cluster_start import ClusterStart, start_cluster
from conformance.suite.diagnostics import learn_all_secrets
from conformance.suite.needs import fixtures_of, parts_ahead, parts_left
from conformance.suite.run import RUN

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster
    from conformance.common.settings import Settings
    from conformance.platform.stack import Stack
    from conformance.report.evidence import EvidenceBox
    from conformance.services.flux import Flux
    from conformance.services.hydra import Hydra
    from conformance.services.kratos import Kratos
    from conformance.services.mail import Mails
    from conformance.services.velero import Velero
    from conformance.services.visitor import OpenBrowser
    from conformance.suite.run import Run

_NO_REGISTRY = (
    "this cluster advertises no registry that the suite can push to and the node pulls from"
)


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> Run:
    """This run of the suite."""
    return request.config.stash[RUN]


@pytest.fixture(scope="session")
def settings(run: Run) -> Settings:
    """This run's options, and all time-outs."""
    return run.settings


@pytest.fixture(scope="session")
def components(run: Run) -> Iterator[Components]:
    """Pinned parts: built, or taken from the cache, on first use."""
    made = Components(run.settings, run.terminal.progress())
    yield made
    made.close()


@pytest.fixture(scope="session")
def chosen_cluster(run: Run, components: Components) -> Cluster:
    """The cluster under test, not started: which provider was chosen is said on the terminal."""
    with run.terminal.showing():
        return make_cluster(run.settings, components)


@pytest.fixture
def needed_features(request: pytest.FixtureRequest, chosen_cluster: Cluster) -> None:
    """What the check needs of the provider, which has it; otherwise the check is not run."""
    check = check_of(request.node)
    for feature in check.needs if check else ():
        if feature not in chosen_cluster.features:
            not_run(f"this {chosen_cluster.provider} cluster does not offer {feature.value}")


@pytest.fixture(scope="session")
def site_maker(run: Run, components: Components) -> SiteMaker:
    """Maker of clusters with the platform under test on them, where the suite installs it."""
    tree = run.given if isinstance(run.given, GivenTree) else None
    return SiteMaker(
        run.settings,
        components,
        run.redactor,
        run.terminal.say,
        tree,
        snapshot=run.settings.snapshot,
    )


@pytest.fixture(scope="session")
def cluster_begun(
    run: Run,
    components: Components,
    chosen_cluster: Cluster,
    site_maker: SiteMaker,
    request: pytest.FixtureRequest,
) -> Iterator[ClusterStart]:
    """The cluster under test, being started beside checks that need none.

    It is taken away at the end unless it is to be kept.
    """
    needed = fixtures_of(request.session.items)
    if chosen_cluster.provider != "existing":
        components.foresee(*parts_ahead(needed, run.given))

    def start() -> None:
        with run.terminal.showing():
            start_cluster(chosen_cluster, run, site_maker, needed)

    begun = ClusterStart(chosen_cluster, start)
    begun.start()
    yield begun
    begun.cancel(components)
    with run.terminal.showing():
        if stays(run, chosen_cluster) and chosen_cluster.provider != "existing":
            print(f"Kept cluster {chosen_cluster.name}: --kubeconfig={chosen_cluster.kubeconfig}")
        else:
            chosen_cluster.delete()
    begun.end()


@pytest.fixture(scope="session")
def cluster(
    run: Run,
    components: Components,
    chosen_cluster: Cluster,
    cluster_begun: ClusterStart,
    request: pytest.FixtureRequest,
) -> Cluster:
    """A running cluster."""
    cluster_begun.wait()
    left = parts_left(chosen_cluster, fixtures_of(request.session.items), run.given)
    useless = () if can_build(components) else BASE_IMAGES
    components.prefetch(*(one for one in left if one not in useless))
    return chosen_cluster


def stays(run: Run, cluster: Cluster) -> bool:
    """Whether the cluster stays after the run: it is not ours to delete, or is to be kept."""
    return run.settings.keep_cluster or cluster.reused or cluster.provider == "existing"


@pytest.fixture(scope="session")
def kube(run: Run, cluster: Cluster) -> Iterator[Kube]:
    """Client of the cluster's API."""
    client = Kube(cluster.kubeconfig, run.settings.context, run.redactor, run.settings.timeouts)
    yield client
    learn_all_secrets(client, run.redactor)


@pytest.fixture(scope="session")
def registry(cluster: Cluster) -> Registry:
    """The registry that the suite pushes to and the node pulls from."""
    if cluster.registry is None:
        not_run(_NO_REGISTRY)
    return Registry(cluster.registry)


@pytest.fixture(scope="session")
def ledger(run: Run, cluster: Cluster, kube: Kube) -> Iterator[Ledger | None]:
    """What holds a platform of others for this run, and removes all that the run has made.

    What is not the run's is seen before and after, unless the suite installed the platform.
    None: what the run makes goes with the cluster, or it is the reference platform.
    """
    is_tree = isinstance(run.given, GivenTree)
    if run.given is None or (is_tree and not stays(run, cluster)):
        yield None
        return
    clients = Clients(kube, run.given.described, run.settings.run_id)
    made = Ledger(kube, clients, run.settings.run_id, run.terminal.say)
    made.begin()
    before = None if is_tree else foreign(kube)
    yield made
    for line in made.end(before):
        run.recorder.error(line)


@pytest.fixture(scope="session")
def stack(
    run: Run,
    cluster: Cluster,
    kube: Kube,
    components: Components,
    site_maker: SiteMaker,
    ledger: Ledger | None,  # noqa: ARG001 - the platform is this run's from now on
) -> Iterator[Stack]:
    """Stackspin on the cluster: found there, or installed level by level as checks ask for it."""
    if cluster.registry is None:
        not_run(_NO_REGISTRY)
    made: Stack
    if run.given is not None and not isinstance(run.given, GivenTree):
        made = InstalledStack(run.settings, cluster, kube, components, run.given)
    else:
        made = site_maker.stack(cluster, kube)
    yield made
    made.close()


@pytest.fixture(scope="session")
def clients(stack: Stack) -> Clients:
    """Clients of the platform's parts, which need not be installed yet."""
    return stack.clients


@pytest.fixture(scope="session")
def here(cluster: Cluster, kube: Kube, stack: Stack) -> Site:
    """The cluster under test, in the form of the secondary ones."""
    return Site(cluster, kube, stack)


@pytest.fixture(scope="session")
def flux(stack: Stack) -> Flux:
    """Flux's controllers, running."""
    return stack.flux()


@pytest.fixture(scope="session")
def platform(stack: Stack) -> Flux:
    """The platform's infrastructure, applied by Flux and Ready."""
    return stack.platform()


@pytest.fixture(scope="session")
def single_sign_on(stack: Stack) -> Flux:
    """Kratos, Hydra, mail and the dashboard, installed by Flux and Ready."""
    return stack.single_sign_on()


@pytest.fixture(scope="session")
def kratos(clients: Clients, single_sign_on: Flux) -> Kratos:  # noqa: ARG001 - installed
    """The users of the platform."""
    return clients.kratos()


@pytest.fixture(scope="session")
def hydra(clients: Clients, single_sign_on: Flux) -> Hydra:  # noqa: ARG001 - installed
    """The platform's OpenID Connect provider, as its administrator sees it."""
    return clients.hydra()


@pytest.fixture(scope="session")
def mail(clients: Clients, single_sign_on: Flux) -> Mails:  # noqa: ARG001 - installed
    """Every mail that the platform sends."""
    return clients.mail()


@pytest.fixture(scope="session")
def backups(stack: Stack) -> Flux:
    """Object store and Velero, installed by Flux; the backup location is Available."""
    return stack.backups()


@pytest.fixture(scope="session")
def velero(clients: Clients, backups: Flux) -> Velero:  # noqa: ARG001 - installed
    """Velero's custom resources on the cluster under test."""
    return clients.velero()


@pytest.fixture(scope="session")
def browser(
    known_pages: None,  # noqa: ARG001 - it would show pages that no check knows
    cluster: Cluster,
    stack: Stack,
    settings: Settings,
) -> Iterator[Browser]:
    """Chromium, as the platform's users have it; started when a check first asks for it."""
    with run_folder(settings.cache_dir / "browser") as folder:
        trusted = stack.authority
        reached = (settings.domain, cluster.node_address, trusted)
        with Browser(*reached, folder, settings.timeouts) as chromium:
            yield chromium


@pytest.fixture
def visitor(browser: Browser, evidence: EvidenceBox) -> OpenBrowser:
    """Opens the browser for somebody: ``with visitor("zoe") as zoe``."""
    return functools.partial(browser.visitor, evidence)


@pytest.fixture(scope="session")
def namespace_pool(
    run: Run,
    kube: Kube,
    cluster: Cluster,
    ledger: Ledger | None,  # noqa: ARG001 - see stack
) -> Iterator[Namespaces]:
    """Maker of namespaces that carry the run's id."""
    pool = Namespaces(
        kube, run.settings.run_id, run.settings.timeouts.deletion, run.planted.manifest
    )
    yield pool
    if stays(run, cluster):
        for leftover in pool.join():
            run.recorder.error(leftover)


@pytest.fixture
def namespace(namespace_pool: Namespaces, request: pytest.FixtureRequest) -> Iterator[str]:
    """Name of a fresh namespace for this check alone."""
    hint = request.node.name.partition("[")[0].removeprefix("test_")
    name = namespace_pool.create(hint, request.node.nodeid)
    yield name
    namespace_pool.delete(name)


@pytest.fixture(scope=shared)
def namespaces(
    namespace_pool: Namespaces, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], str]]:
    """Creates namespaces that a file's checks share: ``namespaces("hint") -> name``."""
    mine: list[str] = []

    def make(hint: str) -> str:
        mine.append(namespace_pool.create(hint, request.node.nodeid))
        return mine[-1]

    yield make
    for name in mine:
        namespace_pool.delete(name)


@pytest.fixture
def evidence(run: Run, request: pytest.FixtureRequest) -> EvidenceBox:
    """Keeps files, numbers and remarks of this check for the report."""
    return run.recorder.box(run.recorder.result(request.node.nodeid))


@pytest.fixture(scope=once)
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """A private copy of ``charts/`` and ``fixtures/``: with ``--twins``, one for each check."""
    return Package.copy(tmp_path_factory.mktemp("package"))
