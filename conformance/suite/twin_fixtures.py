"""Fixtures of a run with ``--twins``: they install each twin's defect below its check.

A check and its fixtures do not know that they run on a twin. What differs is what they deploy
(``package``, patched), or what a fixture of ``capabilities/NAME/defects.py`` does before the
check's own fixtures are set up: to the platform, or to what passes between it and the suite
(``wire``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from conformance.common.package import Package
from conformance.suite.patched_source import SOURCES, patched_files, running_on
from conformance.suite.twins import Twin
from conformance.suite.wire import Wire

if TYPE_CHECKING:
    from conformance.common.settings import Settings
    from conformance.kube.client import Kube
    from conformance.platform.stack import Stack


@pytest.fixture
def twin(request: pytest.FixtureRequest) -> Twin:
    """The defect that this check must find."""
    found: Twin = request.param
    return found


@pytest.fixture
def package(package: Package, twin: Twin) -> Package:
    """A private copy of ``charts/`` and ``fixtures/``, with the twin's patches."""
    for patch in twin.patches:
        patch.apply(package.root)
    return package


@pytest.fixture
def defect(twin: Twin, request: pytest.FixtureRequest) -> None:
    """What the twin says is done, before any other fixture of the check is set up."""
    if twin.by:
        request.getfixturevalue(twin.by)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """What passes between the suite and the platform's ingress, to be altered."""
    return Wire(monkeypatch)


@pytest.fixture
def installed_apps(reference_apps: Callable[[], None]) -> None:
    """The reference apps, installed by Flux."""
    reference_apps()


@pytest.fixture
def patched_source(
    package: Package,
    kube: Kube,
    stack: Stack,
    settings: Settings,
    request: pytest.FixtureRequest,
) -> Iterator[None]:
    """What is installed once for all twins runs on its patched files while the check does."""
    with ExitStack() as running:
        for source in SOURCES:
            if files := patched_files(package, source):
                request.getfixturevalue(source.fixture)
                served = partial(_wait_served, stack, source.address.format(domain=settings.domain))
                running.callback(served)
                running.enter_context(running_on(kube, source, files))
                served()
        yield


def _wait_served(stack: Stack, address: str) -> None:
    """Wait until the ingress routes to an address, if the source has one."""
    if address:
        stack.http().get_routed(address)
