"""``--pause-on-failure``: stops before the clean-up, says how to enter the cluster, goes on."""

from __future__ import annotations

import os
import pty
import termios
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from forked_pytest import forked
from small_runs import HEAD, PASSES, RunChecks, runner

from conformance.report.verdict import Verdict
from conformance.suite import pausing

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
    arguments = ["-p", "no:cacheprovider", "--color=no", "--pause-on-failure", "--lanes=2"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with forked(pytester.path, *arguments, terminal=theirs, environment=environment) as process:
        os.close(theirs)
        shown = _read_until(ours, "Press a key to go on")
        assert not (pytester.path / "cleaned").exists()
        os.write(ours, b" ")
        rest = _read_until(ours, None)
        status = process.wait()
    os.close(ours)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert (pytester.path / "cleaned").exists()
    assert shown.index("FAIL auto_update.fails") < shown.index("one is not two")
    assert shown.index("one is not two") < shown.index("Paused before the clean-up")
    assert "export KUBECONFIG='/tmp/a b/kubeconfig'" in shown
    assert "stackspin-conformance cluster shell --cluster-name mine" in shown
    assert "PASS auto_update.later" in rest
    assert "1 failed, 2 passed" in rest


def test_a_key_counts_as_soon_as_the_terminal_asks_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()

    def pressed_at_once(*_: object, **__: object) -> None:
        canonical = termios.tcgetattr(0)[3] & termios.ICANON
        assert not canonical, "the key would be dropped with what was typed before"
        os.write(ours, b" ")

    monkeypatch.setattr(pausing, "print", pressed_at_once, raising=False)
    result = SimpleNamespace(verdict=Verdict.FAIL)
    run: Any = SimpleNamespace(
        recorder=SimpleNamespace(find=lambda _: result),
        terminal=SimpleNamespace(hidden=nullcontext),
    )
    capture = SimpleNamespace(
        suspend_global_capture=lambda **_: None, resume_global_capture=lambda: None
    )
    config: Any = SimpleNamespace(pluginmanager=SimpleNamespace(getplugin=lambda _: capture))
    under_test: Any = SimpleNamespace(chosen_cluster=None, namespace_pool=None)
    report: Any = SimpleNamespace(nodeid="x", failed=True, when="call")
    before = os.dup(0)
    os.dup2(theirs, 0)
    try:
        os.write(ours, b"typed before")
        pausing.Pausing(config, run, under_test).pytest_runtest_logreport(report)
        assert termios.tcgetattr(0)[3] & termios.ICANON
    finally:
        os.dup2(before, 0)
        for one in (before, ours, theirs):
            os.close(one)


def _read_until(terminal: int, text: str | None) -> str:
    shown = b""
    while text is None or text not in shown.decode(errors="replace"):
        try:
            chunk = os.read(terminal, 1 << 16)
        except OSError:  # the other side is closed
            break
        shown += chunk
    return shown.decode()
