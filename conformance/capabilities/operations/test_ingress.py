"""What the platform's front door goes through with time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.capabilities.operations.ingress_certificate import RENEWAL
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.capabilities.operations.ingress_certificate import IngressCertificate
    from conformance.report.evidence import EvidenceBox


@check(
    "operations.certificate_renewed",
    level="extended",
    promise="A renewed certificate of the ingress is presented within two minutes, without any "
    "restart.",
    touches="platform",
    effect="renews the certificate of the ingress, and puts the old one back",
)
def test_certificate_renewed(
    ingress_certificate: IngressCertificate, evidence: EvidenceBox
) -> None:
    pods = ingress_certificate.pods()
    with ingress_certificate.renewed():
        with evidence.timed("renewed certificate presented"):
            presented = ingress_certificate.presented_within(RENEWAL)
        restarted = ingress_certificate.restarted(pods)
    assert presented, f"after {RENEWAL:.0f} s the ingress does not present the renewed certificate"
    assert not restarted, f"pods restarted meanwhile: {', '.join(restarted)}"
