"""Port-forwards that do not reach their pod; those that do are in every run."""

from __future__ import annotations

import kube_wire as wire
import pytest
import requests

from conformance.kube.client import Kube
from conformance.kube.port_forward import forward


def test_a_request_that_reaches_no_pod_says_why(server: wire.WireServer, kube: Kube) -> None:
    def answer(handler: wire.Handler) -> bool:
        if handler.where.endswith("/portforward"):
            handler.fail(404, "NotFound", 'pods "hydra" not found')
        elif handler.where.endswith("/pods/hydra"):
            handler.answer(wire.pod("hydra"))
        else:
            return False
        return True

    server.intercept = answer
    with (
        pytest.raises(requests.ConnectionError) as raised,
        forward(kube, "n", "hydra", 4445) as port,
    ):
        requests.get(f"http://127.0.0.1:{port}/", timeout=5)
    (note,) = raised.value.__notes__
    assert note.startswith("Port 4445 of pod hydra in n was not reached: ")
    assert 'pods "hydra" not found' in note
