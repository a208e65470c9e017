"""A node's way out, up to the program that makes it: what it is told, and what if it fails."""

from __future__ import annotations

import os
import subprocess
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from conformance.clusters.ownership import egress
from conformance.clusters.sandbox import init
from conformance.common.errors import HarnessError

NETWORK = IPv4Network("10.213.7.128/25")
READY = 'for each; do case $each in --ready-fd=*) printf 1 >&"${each#*=}";; esac; done; echo "$@"'


@pytest.fixture
def way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gives a node a way out by a script in the place of slirp4netns."""

    def give(script: str) -> dict[str, str]:
        program = tmp_path / "slirp4netns"
        program.write_text(f"#!/bin/bash\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        ended, alive = os.pipe()
        try:
            return egress.give_way_out(4242, ended, NETWORK, tmp_path / "egress.log")
        finally:
            os.close(ended)
            os.close(alive)

    return give


def test_the_node_gets_an_address_of_the_network(way_out: Any) -> None:
    assert way_out(READY) == {
        "device": "egress0",
        "address": "10.213.7.228/25",
        "gateway": "10.213.7.130",
    }
    assert egress.name_server(NETWORK) == "10.213.7.131"


def test_a_program_that_fails_is_quoted(way_out: Any) -> None:
    with pytest.raises(HarnessError, match=r"(?s)no way out; .*no tun device"):
        way_out("echo no tun device; exit 1")


def test_a_program_that_says_nothing_is_not_waited_for(
    way_out: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "_READY_SECONDS", 0.1)
    with pytest.raises(HarnessError, match="no way out"):
        way_out("sleep 1")


@pytest.mark.parametrize("with_egress", [True, False])
def test_the_way_out_is_the_default_route(
    monkeypatch: pytest.MonkeyPatch, with_egress: bool
) -> None:
    given: list[bytes] = []

    def run(_: list[str], *, input: bytes, **__: Any) -> None:
        given.append(input)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(Path, "write_text", lambda *_, **__: 0)
    out = {"device": "egress0", "address": "10.213.7.228/25", "gateway": "10.213.7.130"}
    init.set_up_network("10.213.7.2/30", "10.213.7.1", "eth0", out if with_egress else None)
    lines = given[0].decode().splitlines()
    assert lines[-1] == f"route add default via {'10.213.7.130' if with_egress else '10.213.7.1'}"
    assert ("addr add 10.213.7.228/25 dev egress0" in lines) is with_egress
    assert "addr add 10.213.7.2/30 dev eth0" in lines
