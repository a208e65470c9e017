"""What the dashboard checks share: the dashboard, people in front of it, and an app to manage.

The app is a copy of the package of notes under a name of its own, so that what is done to it
disturbs no other file's checks.
"""

from __future__ import annotations

import base64
import itertools
import json
import tomllib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from conformance.apps.flux_package import copy_of
from conformance.apps.notes import Notes
from conformance.apps.tracked import TrackedApp, TrackedBranch
from conformance.kube.apply import apply
from conformance.services.browser import DESKTOP
from conformance.services.dashboard import GENERATOR, Dashboard
from conformance.services.flux import API_VERSIONS, NAMESPACE
from conformance.services.login_pages import Person, shown
from conformance.services.oidc import Client, OAuthRefused, RelyingParty, Tokens
from conformance.services.user_agent import visible
from conformance.suite.check import not_run, shared

if TYPE_CHECKING:
    from conformance.apps.image_builds import AppImages
    from conformance.common.package import Package
    from conformance.common.settings import Settings
    from conformance.kube.client import Kube
    from conformance.platform.reference import Stack
    from conformance.report.evidence import EvidenceBox
    from conformance.services.browser import Browser
    from conformance.services.flux import Flux
    from conformance.suite.parties import Parties

UPGRADE_TIMEOUT = 60
"""Seconds after which an upgrade of the app counts as failed."""
_NO_REPLICAS = {"op": "replace", "path": "/spec/replicas", "value": 0}
_numbers = itertools.count()


class InFrontOf(Protocol):
    """Puts a person, logged in, in front of the dashboard."""

    def __call__(
        self, person: Person, size: tuple[int, int] = DESKTOP
    ) -> AbstractContextManager[Dashboard]:
        """Open a browser window of this size for the person."""


@dataclass
class Guests:
    """What browsers remember of people who have logged in before."""

    states: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope=shared)
def dashboard_url(
    single_sign_on: Flux,  # noqa: ARG001 - Kratos, Hydra, dashboard
    parties: Parties,
) -> str:
    """Address of a dashboard whose pages the checks know."""
    url = parties.dashboard
    page = parties.http().get_routed(f"{url}/web/login").text
    if GENERATOR not in page:
        not_run(
            f"the pages at {url} are not the reference dashboard's: the checks support no other"
        )
    return url


@pytest.fixture(scope=shared)
def managed(
    stack: Stack,
    single_sign_on: Flux,
    app_images: AppImages,  # noqa: ARG001 - in the registry before the app is installed
    package: Package,
    settings: Settings,
    kube: Kube,
) -> Iterator[TrackedApp]:
    """An app that is managed by the dashboard: its own package, release and client."""
    branch = TrackedBranch(kube, stack.git, single_sign_on, settings.timeouts.reconciliation)
    number = next(_numbers)
    name = "notes-managed" + (f"-{number}" if number else "")
    copy = copy_of(package, "notes", name, failure_after=UPGRADE_TIMEOUT)
    made = TrackedApp(branch, copy, Notes(), stack.http(), settings.domain)
    try:
        branch.install([copy])
        made.wait_served()
        yield made
    finally:
        branch.remove([made])
        for kind in ("ConfigMap", "Secret"):
            kube.delete("v1", kind, f"stackspin-{name}-override", made.namespace)


@dataclass(frozen=True)
class Canary:
    """Another release of the app's chart, on the app's values, that is never suspended."""

    name: str
    app: TrackedApp
    kube: Kube

    def title(self) -> str:
        """Have Flux look at the values now; return the title that it has made of them."""
        flux, namespace = self.app.branch.flux, self.app.namespace
        token = flux.reconcile("HelmRelease", self.name, namespace)
        flux.wait_ready("HelmRelease", self.name, namespace, token=token)
        configuration = self.kube.get("v1", "ConfigMap", f"{self.name}-config", namespace)
        return str(tomllib.loads(configuration["data"]["override.toml"])["title"])


@pytest.fixture(scope=shared)
def canary(managed: TrackedApp, kube: Kube) -> Iterator[Canary]:
    """Another app in the list, to which changes of the app's values come: its release alone.

    Nothing runs: two pods on one volume would be another app's trouble.
    """
    release = ("HelmRelease", managed.name, managed.namespace)
    spec = managed.branch.flux.get(*release)["spec"]
    made = Canary(f"{managed.name}-canary", managed, kube)
    no_pods = {"target": {"kind": "Deployment"}, "patch": json.dumps([_NO_REPLICAS])}
    apply(
        kube,
        {
            "apiVersion": API_VERSIONS["HelmRelease"],
            "kind": "HelmRelease",
            "metadata": {"name": made.name, "namespace": managed.namespace},
            "spec": {
                **{key: spec[key] for key in ("interval", "chart", "valuesFrom")},
                "values": {"ingress": {"enabled": False}},
                "postRenderers": [{"kustomize": {"patches": [no_pods]}}],
            },
        },
    )
    yield made
    kube.delete(API_VERSIONS["HelmRelease"], "HelmRelease", made.name, managed.namespace)


@pytest.fixture(scope=shared)
def administrator(parties: Parties) -> Person:
    """An administrator of the dashboard."""
    return parties.person("ada", may_use={"dashboard": "admin"})


@pytest.fixture(scope=shared)
def member(parties: Parties, managed: TrackedApp) -> Person:
    """Somebody who may use the app and administer nothing."""
    return parties.person("mia", may_use={managed.name: "user"})


@pytest.fixture(scope=shared)
def guests() -> Guests:
    """The browsers of people who have logged in before."""
    return Guests()


@pytest.fixture
def in_front_of(
    dashboard_url: str, browser: Browser, evidence: EvidenceBox, guests: Guests
) -> InFrontOf:
    """Puts a person, logged in, in front of the dashboard: ``with in_front_of(person) as ...``."""

    @contextmanager
    def open_browser(person: Person, size: tuple[int, int] = DESKTOP) -> Iterator[Dashboard]:
        nick = person.email.partition("-")[0]
        state = guests.states.get(person.id)
        with browser.visitor(evidence, nick, size=size, state=state) as visitor:
            dashboard = Dashboard(visitor, dashboard_url)
            if state is None:
                dashboard.log_in(person)
                guests.states[person.id] = visitor.state()
            yield dashboard

    return open_browser


@dataclass(frozen=True)
class Entrance:
    """The app's own door: who is let in, and as what."""

    parties: Parties
    app: TrackedApp
    client: RelyingParty
    """What the app is at the provider, in the hands of the checks: they see its tokens."""

    def tokens_of(self, person: Person) -> Tokens:
        """Log in to the app in a new browser; return the tokens that this is worth.

        They were refreshed once, so that nothing but what is done next can end them.
        """
        tokens = self.client.refresh(self.parties.walker(person).authorize(self.client).tokens())
        assert self.parties.hydra.is_active(tokens.access_token), "a fresh token is not valid"
        return tokens

    def still_good(self, tokens: Tokens) -> list[str]:
        """Return which of the tokens the provider still takes. Afterwards none may be good."""
        active = self.parties.hydra.is_active(tokens.access_token)
        good = ["the access token"] if active else []
        try:
            self.client.refresh(tokens)
        except OAuthRefused as refusal:
            if refusal.error == "invalid_grant":
                return good
            raise
        return [*good, "the refresh token"]

    def roles_of(self, person: Person) -> list[str]:
        """Log in to the app in a new browser; return the roles that the app is told.

        Raises ``AssertionError`` when the person is not let in.
        """
        walker = self.parties.walker(person)
        page = walker.walk(f"{self.app.url}/login", "")
        answer = walker.agent.open(f"{self.app.url}/api/me")
        assert answer.status == 200, f"{person.name} is not let in: {shown(page)}"
        return list(json.loads(answer.text)["roles"])

    def refusal_of(self, person: Person) -> str:
        """Log in to the app in a new browser; return in which words that was refused.

        Raises ``AssertionError`` when the person is let in.
        """
        walker = self.parties.walker(person)
        page = walker.walk(f"{self.app.url}/login", "")
        answer = walker.agent.open(f"{self.app.url}/api/me")
        assert answer.status == 401, f"{person.name} is let in: {answer.text}"
        return visible(page.text)


@pytest.fixture(scope=shared)
def entrance(parties: Parties, managed: TrackedApp, kube: Kube) -> Entrance:
    """The app's own door."""
    name = f"stackspin-{managed.name}-oauth-variables"
    secret = base64.b64decode(kube.get("v1", "Secret", name, NAMESPACE)["data"]["client_secret"])
    client = Client(managed.name, secret.decode(), f"{managed.url}/oidc/callback")
    party = RelyingParty(parties.http(), parties.provider, client)
    return Entrance(parties, managed, party)


@pytest.fixture
def admin(in_front_of: InFrontOf, administrator: Person) -> Iterator[Dashboard]:
    """The dashboard in the browser of an administrator."""
    with in_front_of(administrator) as dashboard:
        yield dashboard
