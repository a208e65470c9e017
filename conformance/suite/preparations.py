"""What the checks of later files share, prepared while earlier ones run.

A capability says in its ``conftest.py`` how a thing is made for one of its fixtures, and beside the
checks of which capability that may go on: ``@prepared("live", beside="single_sign_on")``. Its
fixture asks ``preparations.result(maker)``, and gets what was prepared, or what is made then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from conformance.apps.deployment import HelmDeployment
from conformance.apps.image_builds import NOTES, VERSIONS, source_of
from conformance.apps.tracked import TrackedBranch
from conformance.common import course
from conformance.common.course import Step
from conformance.components.waiting import BuildingFuture
from conformance.services.helm import Helm
from conformance.suite.check import once

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.apps.image_builds import AppImages
    from conformance.common.package import Package
    from conformance.common.settings import Settings
    from conformance.components.builder import Components
    from conformance.platform.namespaces import Namespaces
    from conformance.platform.site import Site

Result = TypeVar("Result")
Maker = Callable[["Materials"], Result]


@dataclass(frozen=True)
class Materials:
    """What things are made of; all of it is the run's, or with ``--twins`` the check's."""

    site: Site
    package: Package
    images: AppImages
    settings: Settings
    components: Components
    namespaces: Namespaces
    wanted: Mapping[str, str]
    """The fixtures that the selected checks need, in the order of these, each with the node id of
    the first file (with ``--twins``: the check) that needs it."""

    def branch(self) -> TrackedBranch:
        """Return the branch that the cluster tracks, and from which apps can be installed now.

        Returns when single sign-on is installed, and the images of notes are in the registry.
        """
        self.images.released_each(source_of(NOTES), VERSIONS)
        return TrackedBranch.of(self.site)

    def undeployed(self, app: App, fixture: str, hint: str) -> HelmDeployment:
        """Prepare a release of an app in a fresh namespace of who needs ``fixture``."""
        site, settings = self.site, self.settings
        site.stack.platform()
        helm = Helm(self.components.binary("helm"), site.cluster.kubeconfig, settings.context)
        namespace = self.namespaces.create(hint, self.wanted[fixture])
        host = f"{namespace}.{settings.domain}"
        ingress = site.stack.clients.platform.ingress.ingress_class
        return HelmDeployment(app, site.kube, helm, namespace, host, site.stack.http(), ingress)


@dataclass(frozen=True)
class _Way:
    fixture: str
    beside: str
    maker: Maker[Any]


_WAYS: dict[str, _Way] = {}
"""By the fixture's name."""


def prepared(fixture: str, *, beside: str) -> Callable[[Maker[Result]], Maker[Result]]:
    """Mark how the thing is made that a fixture gives.

    It may be made in another thread, beside the checks of the capability ``beside``, by which it
    must not be disturbed, nor disturb them. If that fails, its error is raised for the fixture.
    """

    def mark(maker: Maker[Result]) -> Maker[Result]:
        _WAYS[fixture] = _Way(fixture, beside, maker)
        return maker

    return mark


def _step(name: str) -> Step:
    return Step("preparation", name.replace("_", " "))


def may_be_prepared(capability: str, fixtures: set[str]) -> bool:
    """Whether checks with these fixtures share what can be made beside those of a capability."""
    return any(way.beside == capability and way.fixture in fixtures for way in _WAYS.values())


class Preparations:
    """Things that are made once, ahead of the checks that share them or when the first asks."""

    def __init__(self, materials: Materials) -> None:
        self._materials = materials
        self._begun: dict[Maker[Any], Future[Any]] = {}

    def beside(self, capability: str) -> list[Callable[[], None]]:
        """Return what makes the things that can be made beside the checks of a capability.

        Each is to be called once, in whichever thread; until then, whoever asks for it waits.
        """
        acts: list[Callable[[], None]] = []
        for way in filter(None, map(_WAYS.get, self._materials.wanted)):
            if way.beside == capability:
                future: BuildingFuture[Any] = BuildingFuture(_step(way.fixture))
                self._begun[way.maker] = future
                acts.append(partial(future.work, partial(self._make, way.maker)))
        return acts

    def result(self, maker: Maker[Result]) -> Result:
        """Return what was prepared, to the first who asks, or make it now. Raises its error."""
        begun: Future[Result] | None = self._begun.pop(maker, None)
        return self._make(maker) if begun is None else begun.result()

    def _make(self, maker: Maker[Result]) -> Result:
        name = next((way.fixture for way in _WAYS.values() if way.maker is maker), maker.__name__)
        with course.taking(_step(name)):
            return maker(self._materials)

    def begun(self, maker: Maker[Any]) -> bool:
        """Whether ``result`` would return what was prepared."""
        return maker in self._begun


@pytest.fixture(scope=once)
def preparations(
    here: Site,
    package: Package,
    images: AppImages,
    settings: Settings,
    components: Components,
    namespace_pool: Namespaces,
    request: pytest.FixtureRequest,
) -> Preparations:
    """Things that files share; what is prepared ahead is begun by the schedule."""
    of_check = request.scope == "function"
    wanted: dict[str, str] = {}
    for item in [request.node] if of_check else request.session.items:
        sharing = item if of_check else item.getparent(pytest.Module) or item
        for name in getattr(item, "fixturenames", ()):
            wanted.setdefault(name, sharing.nodeid)
    materials = Materials(here, package, images, settings, components, namespace_pool, wanted)
    return Preparations(materials)
