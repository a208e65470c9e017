from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from conformance.clusters import docker
from conformance.clusters.ownership import inventory
from conformance.clusters.ownership.network import Link
from conformance.clusters.ownership.ownership import Ownership
from conformance.clusters.ownership.state import Folder, Record, State
from conformance.clusters.sandbox.host_process import HostProcess
from conformance.common.errors import HarnessError

LINK = Link(249, IPv4Network("10.213.249.0/30"))


def make_folder(
    state: State,
    name: str,
    owner: HostProcess,
    *,
    kept: bool = False,
    outside: docker.Outside | None = None,
) -> Folder:
    folder = state.folder(name)
    folder.path.mkdir(parents=True)
    folder.write(Record(owner, kept=kept, created=time.time(), link=LINK, outside=outside))
    return folder


def test_record_survives_writing_and_reading(tmp_path: Path) -> None:
    me = HostProcess.of(os.getpid())
    folder = make_folder(State(tmp_path), "one", me, kept=True)
    record = folder.read()
    assert record
    assert (record.owner, record.kept, record.link, record.node) == (me, True, LINK, None)


def test_sweep_takes_dead_owners_clusters_and_leaves_live_ones(tmp_path: Path) -> None:
    state = State(tmp_path)
    me = HostProcess.of(os.getpid())
    with state.locked():
        live, dead = make_folder(state, "live", me), make_folder(state, "dead", me)
        lock = live.try_lock()
        assert lock is not None
        assert state.sweep() == ["dead"]
        assert live.path.exists()
        assert not dead.path.exists()
        os.close(lock)


def test_a_dead_owner_s_cluster_on_an_engine_that_is_silent_is_explained(tmp_path: Path) -> None:
    nowhere = docker.Outside({"PATH": "/nowhere"}, "/etc/mark")
    folder = make_folder(State(tmp_path), "one", HostProcess(os.getpid(), 0), outside=nowhere)
    with pytest.raises(HarnessError, match="lost its owner and cannot be removed"):
        Ownership(tmp_path, "one", "kind").enter()
    record = folder.read()
    assert record
    assert record.outside == nowhere


def test_lock_is_free_the_moment_its_holder_is_killed(tmp_path: Path) -> None:
    folder = make_folder(State(tmp_path), "one", HostProcess.of(os.getpid()))
    script = (
        "import sys; from pathlib import Path; "
        "from conformance.clusters.ownership.state import Folder; "
        "Folder(Path(sys.argv[1])).try_lock(); print(1, flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout
    holder.stdout.readline()
    assert folder.try_lock() is None
    assert folder.lock_holder() == str(holder.pid)
    holder.kill()
    holder.communicate()
    lock = folder.try_lock()
    assert lock is not None
    os.close(lock)


def test_process_that_ended_is_not_mistaken_for_its_successor() -> None:
    process = subprocess.Popen(["sleep", "60"])
    mine = HostProcess.of(process.pid)
    assert mine.alive
    assert not HostProcess(process.pid, mine.start_time - 1).alive
    assert mine.kill()
    process.wait()
    assert not mine.alive
    assert mine.kill()


def test_state_folder_that_cannot_be_used_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(HarnessError, match="STACKSPIN_CONFORMANCE_STATE"),
        State(tmp_path / "file/state").locked(),
    ):
        pass


def test_cluster_in_use_is_not_taken_down(tmp_path: Path) -> None:
    make_folder(State(tmp_path), "one", HostProcess.of(os.getpid()))
    with pytest.raises(HarnessError, match=f"in use by process {os.getpid()}"):
        inventory.take_down(tmp_path, "one")


@pytest.mark.parametrize("look", [inventory.clusters, lambda root: inventory.find(root, "one")])
def test_who_looks_waits_for_who_takes_over(tmp_path: Path, look: Callable[[Path], object]) -> None:
    """To see whether a kept cluster is in use, the look takes the lock that its user takes."""
    state = State(tmp_path)
    folder = make_folder(state, "one", HostProcess.of(os.getpid()), kept=True)
    looking = threading.Thread(target=look, args=[tmp_path])
    with state.locked():
        looking.start()
        looking.join(0.5)
        assert looking.is_alive()
        lock = folder.try_lock("user")
        assert lock is not None
    looking.join(20)
    assert not looking.is_alive()
    os.close(lock)


def test_where_nothing_was_ever_started_there_is_nothing(tmp_path: Path) -> None:
    assert inventory.clusters(tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


def test_unknown_cluster_is_an_error_that_names_the_known_ones(tmp_path: Path) -> None:
    make_folder(State(tmp_path), "one", HostProcess.of(os.getpid()))
    with pytest.raises(HarnessError, match=r"no cluster named two \(there are: one\)"):
        inventory.find(tmp_path, "two")
