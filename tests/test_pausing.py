"""``--pause-on-failure``: stops before the clean-up, says how to enter the cluster, goes on."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest
from small_runs import HEAD, PASSES, RunChecks, runner

PAUSES = (
    PASSES
    + """
import os, pathlib
from types import SimpleNamespace

@pytest.fixture(scope="session")
def chosen_cluster():
    return SimpleNamespace(provider="embedded", name="mine", kubeconfig="/tmp/a b/kubeconfig",
        choice="", reused=False, snapshot="", node_image="", features=(), export_logs=lambda _: 1)

@pytest.fixture(scope="session")
def kube(chosen_cluster):
    return SimpleNamespace(list=lambda *_: [], timeouts=SimpleNamespace(command=1))

@pytest.fixture
def room():
    yield
    pathlib.Path("cleaned").touch()

@check("auto_update.fails", promise="It holds.")
def test_fails(room, kube):
    assert 1 == 2, "one is not two"

@check("auto_update.later", promise="It holds.")
def test_later(): pass
"""
)


def test_without_a_terminal_it_is_refused_before_the_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: RunChecks = runner(pytester, monkeypatch)
    result = run(PASSES, "--pause-on-failure")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--pause-on-failure waits for a key, and this run has no term*"])
    assert not (pytester.path / "reports").exists()


def test_it_waits_for_a_key_while_all_is_there(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**{"auto_update/test_auto_update": HEAD + PAUSES})
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no",
               "--pause-on-failure", "--lanes=2"]  # fmt: skip
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = _read_until(ours, "Press a key to go on")
        assert not (pytester.path / "cleaned").exists()
        os.write(ours, b" ")
        rest = _read_until(ours, None)
    os.close(ours)
    assert process.returncode == pytest.ExitCode.TESTS_FAILED
    assert (pytester.path / "cleaned").exists()
    assert shown.index("FAIL auto_update.fails") < shown.index("one is not two")
    assert shown.index("one is not two") < shown.index("Paused before the clean-up")
    assert "export KUBECONFIG='/tmp/a b/kubeconfig'" in shown
    assert "stackspin-conformance cluster shell --cluster-name mine" in shown
    assert "PASS auto_update.later" in rest
    assert "1 failed, 2 passed" in rest


def _read_until(terminal: int, text: str | None) -> str:
    shown = b""
    while text is None or text not in shown.decode(errors="replace"):
        try:
            chunk = os.read(terminal, 1 << 16)
        except OSError:  # the other side is closed
            break
        shown += chunk
    return shown.decode()
