"""The store keeps only what is whole, whoever is killed at whatever moment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from conformance.common.locks import Holder
from conformance.components.store import CorruptEntryError, Store

KEY = "0123456789abcdef0123"


def put(store: Store, **contents: str) -> Path:
    with (
        store.lock("tool", KEY, lambda _: None),
        store.put("tool", KEY, lambda: {"seconds": 1.5}) as (files, scratch),
    ):
        (scratch / "junk").write_text("junk")
        for name, text in contents.items():
            (files / name).write_text(text)
    return store.entry("tool", KEY) / "files"


def test_an_entry_is_returned_verified_with_what_was_recorded(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.files("tool", KEY) is None
    files = put(store, program="bytes")
    assert store.files("tool", KEY) == files
    assert [path.name for path in files.iterdir()] == ["program"]
    assert store.facts("tool", KEY)["seconds"] == 1.5


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def fail() -> None:
        with store.put("tool", KEY, dict) as (files, _):
            (files / "half").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list((tmp_path / "store").iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda files: (files / "program").write_text("bytez"), "program has changed"),
        (lambda files: (files / "program").unlink(), "program is missing"),
        (lambda files: (files / "program").chmod(0o600), "program has changed"),
        (lambda files: (files / "more").write_text(""), "more does not belong there"),
        (lambda files: (files.parent / "manifest.json").write_text("{"), "manifest"),
    ],
)
def test_damage_is_named_by_the_next_process(tmp_path: Path, damage, words: str) -> None:
    files = put(Store(tmp_path), program="bytes")
    damage(files)
    with pytest.raises(CorruptEntryError, match=words):
        Store(tmp_path).files("tool", KEY)


def test_a_discarded_entry_can_be_put_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, program="old")
    store.files("tool", KEY)
    store.discard("tool", KEY)
    assert store.files("tool", KEY) is None
    put(store, program="new")
    assert (store.entry("tool", KEY) / "files" / "program").read_text() == "new"
    assert [path.name for path in (tmp_path / "store").iterdir()] == [f"tool-{KEY[:16]}"]


IN_THE_MIDDLE_OF_A_PUT = """
import sys
from pathlib import Path
from conformance.components.store import Store
store = Store(Path(sys.argv[1]))
key = sys.argv[2]
with store.lock("tool", key, print), store.put("tool", key, dict) as (files, scratch):
    (files / "half").write_text("half")
    print("ready", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def builder(folder: Path):
    command = [sys.executable, "-c", IN_THE_MIDDLE_OF_A_PUT, str(folder), KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_killed_build_is_swept_and_a_running_one_is_not(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with builder(tmp_path) as process:
        assert store.sweep() == []
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert len(store.sweep()) == 1
    assert list((tmp_path / "store").iterdir()) == []
    assert store.files("tool", KEY) is None
    put(store, program="whole")  # the dead one's lock is free


def test_a_second_run_waits_and_is_told_for_whom(tmp_path: Path) -> None:
    store = Store(tmp_path)
    told: list[Holder | None] = []
    waiting, entered = threading.Event(), threading.Event()

    def say(holder: Holder | None) -> None:
        told.append(holder)
        waiting.set()

    def second() -> None:
        with store.lock("tool", KEY, say):
            entered.set()

    with builder(tmp_path) as process:
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(10)
        assert not entered.is_set()
        process.kill()
        assert entered.wait(10)
        thread.join()
        assert told[0] is not None
        assert told[0].pid == process.pid
        assert f"process {process.pid} (building tool since" in str(told[0])
