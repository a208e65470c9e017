"""Fixtures that say of a check, before anything is set up for it, whether it is to run here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from conformance.common.errors import HarnessError
from conformance.platform.description import FILE
from conformance.platform.features import PlatformFeature
from conformance.platform.reference import reference_platform
from conformance.platform.tree.given import GivenTree
from conformance.report.platform import Whose
from conformance.suite.check import (
    Exempt,
    NotApplicable,
    NotClaimed,
    NotRun,
    check_of,
    not_run,
)
from conformance.suite.exemptions import unknown_checks
from conformance.suite.platform_under_test import PlatformUnderTest

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster
    from conformance.suite.check import Check
    from conformance.suite.run import Run


@pytest.fixture(scope="session")
def platform_under_test(run: Run) -> PlatformUnderTest:
    """The platform under test, described; it need not be installed yet."""
    settings = run.settings
    if run.given is not None:
        described = run.given.described
        if isinstance(run.given, GivenTree):
            return PlatformUnderTest(Whose.TREE, described, origin=run.given.content.origin)
        return PlatformUnderTest(Whose.INSTALLED, described, settings.allow)
    return PlatformUnderTest(Whose.REFERENCE, reference_platform(settings.domain), settings.allow)


@pytest.fixture(scope="session")
def exempt(platform_under_test: PlatformUnderTest) -> Mapping[str, str]:
    """Features that the platform does not claim, and checks that are not to count -> why.

    Raises HarnessError for the id of a check that there is not.
    """
    found = platform_under_test.description.exempt
    for name, fix in unknown_checks(found).items():
        raise HarnessError(f"{FILE} exempts {name}, and there is no such check", fix)
    return found


@pytest.fixture
def expected_here(
    request: pytest.FixtureRequest,
    platform_under_test: PlatformUnderTest,
    exempt: Mapping[str, str],
) -> None:
    """The check is about this platform, and may touch what it touches."""
    check = check_of(request.node)
    if check is not None and (why_not := _why_not(check, platform_under_test, exempt)):
        raise why_not


@pytest.fixture(scope="session")
def runs_here(
    platform_under_test: PlatformUnderTest, exempt: Mapping[str, str], cluster: Cluster
) -> Callable[[Check], bool]:
    """Whether a check is to run on this platform and this provider's cluster."""

    def is_to_run(check: Check) -> bool:
        offered = cluster.features.issuperset(check.needs)
        return offered and _why_not(check, platform_under_test, exempt) is None

    return is_to_run


def _why_not(
    check: Check, platform: PlatformUnderTest, exempt: Mapping[str, str]
) -> NotRun | NotApplicable | None:
    """Return what ends a check that is not to run on this platform."""
    if check.id in exempt:
        return Exempt(f"the platform exempts this check: {exempt[check.id]}")
    for feature in check.features:
        if feature not in platform.description.features:
            why = f": {exempt[feature]}" if feature in exempt else ""
            return NotClaimed(f"the platform does not claim {feature}{why}")
    if check.touches not in platform.allowed:
        return NotRun(f"it {check.effect}; allow it with --allow={check.touches}")
    return None


@pytest.fixture(scope="session")
def known_pages(platform_under_test: PlatformUnderTest) -> None:
    """The pages at which users log in are those whose labels and buttons the checks know."""
    if PlatformFeature.REFERENCE_DASHBOARD not in platform_under_test.description.features:
        not_run(
            f"{PlatformFeature.REFERENCE_DASHBOARD} is not claimed: what users do in a browser at "
            "other login pages, the suite does not know"
        )
