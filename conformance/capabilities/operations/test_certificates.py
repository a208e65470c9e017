"""For how long a platform runs that nobody looks after."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.capabilities.operations.certificates import PlatformCertificates
    from conformance.report.evidence import EvidenceBox


@check(
    "operations.certificates_outlast",
    level="extended",
    promise="Each certificate that the platform presents or trusts is valid for at least 60 more "
    "days, or is renewed automatically in time.",
)
def test_certificates_outlast(
    platform_certificates: PlatformCertificates, evidence: EvidenceBox
) -> None:
    found = platform_certificates.found()
    evidence.attach("certificates.txt", "\n".join(map(str, found)))
    if platform_certificates.unseen:
        evidence.note(f"not looked at: {'; '.join(platform_certificates.unseen)}")
    now = datetime.now(UTC)
    faults = [fault for one in found if (fault := one.fault(now))]
    assert not faults, "\n".join(faults)
