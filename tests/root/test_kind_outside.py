"""kind on a Docker engine that others use too: a private one, told to be the user's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from host import wait_for

from conformance.clusters import docker
from conformance.clusters.kind import private_engine
from conformance.clusters.kind.cluster import LOCAL_IMAGE, KindCluster
from conformance.clusters.kind.private_engine import PrivateEngine
from conformance.clusters.ownership import inventory
from conformance.clusters.ownership.network import claim
from conformance.clusters.ownership.ownership import Ownership
from conformance.clusters.ownership.state import Record, State
from conformance.clusters.sandbox.host_process import HostProcess
from conformance.common.errors import HarnessError
from conformance.common.settings import PROJECT_ROOT, Settings
from conformance.components.builder import Components
from conformance.kube.client import Kube

OWNER = """
import json, sys
from pathlib import Path
from conformance.clusters import docker
from conformance.clusters.kind.cluster import KindCluster
from conformance.components.builder import Components
from conformance.common.settings import Settings
engine = docker.Engine(*json.loads(sys.argv[2]))
docker.running = lambda: engine
settings = Settings(cluster_name="one", state_dir=Path(sys.argv[1]))
KindCluster(settings, Components(settings)).start()
"""


@pytest.fixture(scope="module")
def components() -> Iterator[Components]:
    made = Components(Settings())
    yield made
    made.close()


@pytest.fixture(scope="module")
def image(components: Components) -> str:
    described = json.loads((components.image_layout(LOCAL_IMAGE) / "manifest.json").read_text())
    return str(described[0]["RepoTags"][0])


@pytest.fixture(scope="module")
def started(
    components: Components, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[docker.Engine]:
    components.require(private_engine.PART)
    ownership = Ownership(tmp_path_factory.mktemp("engine"), "engine", "kind")
    try:
        ownership.found()
        engine = PrivateEngine(ownership, components).start()
        engine.load(components.image_layout(LOCAL_IMAGE))
        yield engine
    finally:
        ownership.delete()


@pytest.fixture
def engine(started: docker.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[docker.Engine]:
    monkeypatch.setattr(docker, "running", lambda: started)
    yield started
    if left := started.run("ps", "--all", "--quiet").split():
        started.run("rm", "--force", "--volumes", *left)


@pytest.fixture
def cluster(
    engine: docker.Engine,  # noqa: ARG001 - the one that answers
    components: Components,
    tmp_path: Path,
) -> Iterator[KindCluster]:
    """A cluster ``one`` on that engine, not started."""
    settings = Settings(cluster_name="one", state_dir=tmp_path)
    made = KindCluster(settings, components)
    yield made
    made.delete()


def make_foreign(engine: docker.Engine, image: str, cluster: str = "one") -> str:
    """Somebody else's node, as kind calls and labels it."""
    label = f"--label={docker.CLUSTER_LABEL}={cluster}"
    name = f"--name={cluster}-control-plane"
    return engine.run("create", name, label, "--entrypoint=sleep", image, "600")[:12]


def test_a_name_that_is_in_use_there_is_refused(
    engine: docker.Engine, cluster: KindCluster, image: str
) -> None:
    foreign = make_foreign(engine, image)
    with pytest.raises(HarnessError, match="name one is in use on the Docker engine"):
        cluster.start()
    cluster.delete()
    assert docker.nodes(engine, "one") == [foreign]


def test_a_name_taken_after_we_looked_is_left_to_who_has_it(
    engine: docker.Engine, cluster: KindCluster, image: str
) -> None:
    cluster.prepare()
    foreign = make_foreign(engine, image)
    engine.run("start", foreign)
    with pytest.raises(HarnessError, match=r"(?s)kind failed .*already exist"):
        cluster.start()
    assert docker.nodes(engine, "one") == [foreign]
    added = [line for line in engine.run("diff", foreign).splitlines() if "registry" in line]
    assert added == []


def test_a_node_is_made_and_goes_alone(
    engine: docker.Engine, cluster: KindCluster, image: str
) -> None:
    foreign = make_foreign(engine, image, "other")
    cluster.start()
    assert "the one that answers" in cluster.choice
    nodes = Kube(cluster.kubeconfig).list("v1", "Node")
    assert [node["metadata"]["name"] for node in nodes] == ["one-control-plane"]
    cluster.delete()
    assert engine.run("ps", "--all", "--quiet").split() == [foreign]


def test_a_sweep_asks_the_engine_of_the_start_and_removes_only_its_own(
    engine: docker.Engine, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = "/etc/stackspin-conformance/mine"
    mine = f"--volume=/dev/null:{mark}:ro"
    engine.run("create", mine, f"--label={docker.CLUSTER_LABEL}=one", image)
    foreign = make_foreign(engine, image)
    link, holder = claim()
    holder.close()
    folder = State(tmp_path).folder("one")
    folder.path.mkdir(parents=True)
    outside = docker.Outside(dict(engine.environment), mark)
    dead = HostProcess(os.getpid(), 0)
    folder.write(Record(dead, kept=False, created=time.time(), link=link, outside=outside))
    monkeypatch.setattr(docker, "running", docker.Engine)
    assert inventory.sweep(tmp_path) == ["one"]
    assert docker.nodes(engine, "one") == [foreign]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["SIGKILL", "Ctrl-C"])
def test_kind_ends_with_its_owner(
    engine: docker.Engine, tmp_path: Path, end: signal.Signals
) -> None:
    told = json.dumps([dict(engine.environment), engine.address, engine.api_port])
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path), told],
        cwd=PROJECT_ROOT,
        stderr=subprocess.DEVNULL,
    )
    log = State(tmp_path).folder("one").path / "kind.log"
    try:
        wait_for(lambda: log.exists() and "Preparing nodes" in log.read_text(errors="replace"))
    finally:
        os.kill(owner.pid, end)
    owner.wait(60)
    assert bool(inventory.sweep(tmp_path)) is (end is signal.SIGKILL)
    until = time.monotonic() + 5
    while time.monotonic() < until:  # left alone, kind has its node within 2 s
        assert docker.nodes(engine, "one") == []
        time.sleep(0.1)
