"""What the dashboard checks share: the dashboard, users who are logged in, and an app to manage.

The app is a copy of the package of notes under a name of its own, so that what is done to it
disturbs no other file's checks.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from conformance.apps.catalogue import NOTES
from conformance.apps.tracked_copy import tracked_copy
from conformance.capabilities.dashboard.app_login import AppLogin
from conformance.capabilities.dashboard.canary import Canary
from conformance.capabilities.dashboard.releases import RELEASE
from conformance.kube.apply import apply
from conformance.kube.conditions import deleted, find_condition, matching
from conformance.kube.objects import Ref
from conformance.kube.wait import wait
from conformance.platform.features import GENERATOR
from conformance.services.browser import DESKTOP
from conformance.services.dashboard import Dashboard
from conformance.services.login_pages import User
from conformance.services.oidc import Client, RelyingParty
from conformance.suite.check import not_run, shared
from conformance.suite.preparations import prepared

if TYPE_CHECKING:
    from conformance.apps.tracked import TrackedApp, TrackedBranch
    from conformance.capabilities.dashboard.browsers import BrowserStates, DashboardOf
    from conformance.common.settings import Settings
    from conformance.kube.client import Kube
    from conformance.kube.objects import Object
    from conformance.report.evidence import EvidenceBox
    from conformance.services.browser import Browser
    from conformance.services.flux import Flux
    from conformance.suite.accounts import Accounts
    from conformance.suite.preparations import Materials, Preparations

UPGRADE_TIMEOUT = 60
"""Seconds after which an upgrade of the app counts as failed."""


@pytest.fixture(scope=shared)
def dashboard_url(
    single_sign_on: Flux,  # noqa: ARG001 - Kratos, Hydra, dashboard
    accounts: Accounts,
) -> str:
    """Address of a dashboard whose pages the checks know."""
    url = accounts.dashboard
    page = accounts.http().get_routed(f"{url}/web/login").text
    if GENERATOR not in page:
        not_run(
            f"the pages at {url} are not the reference dashboard's: the checks support no other"
        )
    return url


@prepared("managed", beside="chart_deployment")
def install_managed(materials: Materials) -> TrackedApp:
    """Install an app with a package, a release and a client of its own."""
    site, branch = materials.site, materials.branch()
    made = tracked_copy(
        site, branch, materials.package, NOTES, "managed", failure_after=UPGRADE_TIMEOUT
    )
    try:
        branch.install([made.package])
        made.wait_served()
    except BaseException:
        _remove(made)
        raise
    return made


@pytest.fixture(scope=shared)
def managed(
    preparations: Preparations,
    tracked_branch: TrackedBranch,  # noqa: ARG001 - with single sign-on, as the app needs it
) -> Iterator[TrackedApp]:
    """An app that is managed by the dashboard: its own package, release and client."""
    made = preparations.result(install_managed)
    try:
        yield made
    finally:
        _remove(made)


def _remove(app: TrackedApp) -> None:
    kube = app.branch.kube
    app.branch.remove([app])
    # A release whose values change while it goes is upgraded once more, without its claims.
    release = Ref(*RELEASE, app.name, app.namespace)
    wait(kube, release, deleted(), timeout=kube.timeouts.deletion)
    for kind in ("ConfigMap", "Secret"):
        kube.delete("v1", kind, f"stackspin-{app.name}-override", app.namespace)


@pytest.fixture(scope=shared)
def canary(managed: TrackedApp, kube: Kube) -> Iterator[Canary]:
    """Another app in the list, to which changes of the app's values come."""
    made = Canary(f"{managed.name}-canary", managed, kube)
    apply(kube, made.manifest())
    yield made
    kube.delete(*RELEASE, made.name, managed.namespace)


@pytest.fixture
def broken_release(kube: Kube, managed: TrackedApp) -> Iterator[Object]:
    """A release whose chart does not exist, after Flux has found that out."""
    name = f"{managed.name}-broken"
    flux = managed.branch.flux
    source = {"kind": "GitRepository", "name": flux.source, "namespace": flux.namespace}
    chart = {"spec": {"chart": "./charts/not-there", "sourceRef": source}}
    release = {
        "apiVersion": RELEASE[0],
        "kind": RELEASE[1],
        "metadata": {"name": name, "namespace": managed.namespace},
        "spec": {"interval": "5m", "chart": chart},
    }
    apply(kube, release)
    without_chart = matching(
        "without its chart",
        lambda item: "no such file" in (find_condition(item, "Ready") or {})["message"],
    )
    broken = Ref(*RELEASE, name, managed.namespace)
    yield wait(kube, broken, without_chart)
    kube.delete(*broken)


@pytest.fixture(scope=shared)
def administrator(accounts: Accounts) -> User:
    """An administrator of the dashboard."""
    return accounts.user("ada", may_use={"dashboard": "admin"})


@pytest.fixture(scope=shared)
def member(accounts: Accounts, managed: TrackedApp) -> User:
    """A user who may use the app and administer nothing."""
    return accounts.user("mia", may_use={managed.name: "user"})


@pytest.fixture
def newcomer(accounts: Accounts, settings: Settings) -> Iterator[User]:
    """A user who has no account yet."""
    email = f"nina-{settings.run_id}@{settings.domain}"
    user = User("", email, "Nina New", secrets.token_urlsafe(18))
    yield user
    if identity := accounts.kratos.find(email):
        accounts.kratos.delete(identity.id)


@pytest.fixture(scope=shared)
def browser_states() -> BrowserStates:
    """What the browsers of users who have logged in remember."""
    return {}


@pytest.fixture
def dashboard_of(
    dashboard_url: str, browser: Browser, evidence: EvidenceBox, browser_states: BrowserStates
) -> DashboardOf:
    """Opens the dashboard for a user who is logged in: ``with dashboard_of(user) as ...``."""

    @contextmanager
    def open_browser(user: User, size: tuple[int, int] = DESKTOP) -> Iterator[Dashboard]:
        nick = user.email.partition("-")[0]
        state = browser_states.get(user.id)
        with browser.visitor(evidence, nick, size=size, state=state) as visitor:
            dashboard = Dashboard(visitor, dashboard_url)
            if state is None:
                dashboard.log_in(user)
                browser_states[user.id] = visitor.state()
            yield dashboard

    return open_browser


@pytest.fixture
def admin(dashboard_of: DashboardOf, administrator: User) -> Iterator[Dashboard]:
    """The dashboard in the browser of an administrator."""
    with dashboard_of(administrator) as dashboard:
        yield dashboard


@pytest.fixture(scope=shared)
def app_login(accounts: Accounts, managed: TrackedApp, kube: Kube) -> AppLogin:
    """The app's login, in new browsers."""
    name = f"stackspin-{managed.name}-oauth-variables"
    found = kube.get("v1", "Secret", name, managed.branch.flux.namespace)
    secret = base64.b64decode(found["data"]["client_secret"])
    client = Client(managed.name, secret.decode(), f"{managed.url}/oidc/callback")
    party = RelyingParty(accounts.http(), accounts.provider, client)
    return AppLogin(accounts, managed, party)
