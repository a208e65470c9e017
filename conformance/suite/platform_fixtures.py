"""Fixtures that say of a check, before anything is set up for it, whether it is to run here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.platform.reference import reference_platform
from conformance.report.whose import Whose
from conformance.suite.check import check_of, not_run
from conformance.suite.platform_under_test import PlatformUnderTest

if TYPE_CHECKING:
    from conformance.common.settings import Settings


@pytest.fixture(scope="session")
def platform_under_test(settings: Settings) -> PlatformUnderTest:
    """The platform under test, described; it need not be installed yet."""
    return PlatformUnderTest(Whose.REFERENCE, reference_platform(settings.domain), settings.allow)


@pytest.fixture
def permitted(request: pytest.FixtureRequest, platform_under_test: PlatformUnderTest) -> None:
    """The check may touch what it touches; otherwise it is not run."""
    check = check_of(request.node)
    if check and check.touches not in platform_under_test.allowed:
        not_run(f"it {check.effect}; allow it with --allow={check.touches}")
