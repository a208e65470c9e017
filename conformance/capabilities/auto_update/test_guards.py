"""What protects every app of the platform, whoever has packaged it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from conformance.capabilities.auto_update.guards import (
    changed_by_hand,
    deletable_claims,
    releases_of_tree,
)
from conformance.report.platform import Whose
from conformance.suite.check import check, not_applicable

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.suite.platform_under_test import PlatformUnderTest


@check(
    "auto_update.every_app_guarded",
    promise="Changes made by hand to any app are reverted, and no commit deletes an app's data.",
)
def test_every_app_guarded(
    reference_apps: Callable[[], None], platform_under_test: PlatformUnderTest, kube: Kube
) -> None:
    if platform_under_test.whose is not Whose.INSTALLED:  # which has its own apps
        reference_apps()
    namespace = platform_under_test.description.apps
    releases = releases_of_tree(kube, namespace)
    if not releases:
        not_applicable(f"Flux has applied no HelmRelease in {namespace}")
    found = [*changed_by_hand(releases), *deletable_claims(kube, namespace)]
    assert not found, "\n".join(found)
