"""What is wrong with the platform on which a twin of a check of operations runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.kube.errors import Invalid
from conformance.suite.admission import ANYWHERE, enforced

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.services.flux import Flux
    from conformance.suite.accounts import Accounts

POLICY = Path(__file__).with_suffix(".yaml")
NAME = "twin-of-operations"


@pytest.fixture
def releases_stay_locked(kube: Kube, flux: Flux) -> Iterator[None]:  # noqa: ARG001 - installed
    """An upgrade that helm has noted as going on cannot be called failed, so no other begins."""
    with enforced(kube, POLICY, NAME, lambda: _refused(kube)):
        yield


def _refused(kube: Kube) -> bool:
    secret = ("v1", "Secret", NAME, ANYWHERE)
    kube.patch(*secret, {"metadata": {"labels": {"status": "pending-upgrade"}}})
    try:
        kube.patch(*secret, {"metadata": {"labels": {"status": "failed"}}})
    except Invalid:
        return True
    return False


@pytest.fixture
def mails_tried_once(kube: Kube, single_sign_on: Flux, accounts: Accounts) -> Iterator[None]:
    """Kratos gives a mail up that it could not send at once."""
    release = accounts.clients.platform.single_sign_on.kratos.workload.release
    assert release, "platform.yaml names no HelmRelease of Kratos"
    which = ("HelmRelease", release.name, release.namespace)

    def run_with(values: object) -> None:
        kube.patch(*single_sign_on.ref(*which), {"spec": {"values": values}})
        token = single_sign_on.reconcile(*which)
        single_sign_on.wait_ready(*which, token=token)
        within = kube.timeouts.routing_after_restart
        accounts.http().get_routed(accounts.page("recovery"), within=within)

    try:
        run_with({"config": {"courier": {"message_retries": 0}}})
        yield
    finally:
        run_with(None)
