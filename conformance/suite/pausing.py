"""A run that stops when a check has failed, with everything as it is: ``--pause-on-failure``."""

from __future__ import annotations

import contextlib
import os
import shlex
import termios
import tty
from collections.abc import Iterator

import pytest
from _pytest.capture import CaptureManager

from conformance.report.verdict import Verdict
from conformance.suite.run import Run
from conformance.suite.under_test import UnderTest


def refuse_without_terminal(config: pytest.Config) -> None:
    """Raise ``UsageError`` if nobody is there to press a key."""
    with _own_input(_capture(config)):
        somebody = os.isatty(0) and os.isatty(1)
    if not somebody:
        raise pytest.UsageError(
            "--pause-on-failure waits for a key, and this run has no terminal: leave it out "
            "(--keep-cluster leaves the cluster for later)"
        )


class Pausing:
    """Hooks of a run that pauses; registered after what says on the terminal why a check failed."""

    def __init__(self, config: pytest.Config, run: Run, under_test: UnderTest) -> None:
        self._run = run
        self._under_test = under_test
        self._capture = _capture(config)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Wait for a key when a check has failed: before its clean-up, and out of its time."""
        result = self._run.recorder.find(report.nodeid)
        if not report.failed or report.when == "teardown" or result is None:
            return
        if result.verdict is not Verdict.FAIL:
            return
        with self._run.terminal.hidden(), _own_input(self._capture), _single_keys():
            print("\n".join(self._said(report.nodeid)), flush=True)
            os.read(0, 1024)

    def _said(self, node_id: str) -> Iterator[str]:
        yield "Paused before the clean-up of this check; the cluster is as it was when it failed."
        cluster = self._under_test.chosen_cluster
        if cluster is None or self._under_test.kube is None:
            yield "No cluster is up."
        else:
            kubeconfig = shlex.quote(str(cluster.kubeconfig))
            yield f"  export KUBECONFIG={kubeconfig}"
            if cluster.provider != "existing":
                yield f"  stackspin-conformance cluster shell --cluster-name {cluster.name}"
        if pool := self._under_test.namespace_pool:
            for namespace in pool.of([node_id]):
                yield f"  its namespace: {namespace}"
        yield "Press a key to go on, or Ctrl-C to end the run."


def _capture(config: pytest.Config) -> CaptureManager:
    manager: CaptureManager = config.pluginmanager.getplugin("capturemanager")
    return manager


@contextlib.contextmanager
def _own_input(capture: CaptureManager) -> Iterator[None]:
    """Give the body the process's own standard input; pytest captures no output between phases."""
    capture.suspend_global_capture(in_=True)
    try:
        yield
    finally:
        capture.resume_global_capture()
        capture.suspend_global_capture()


@contextlib.contextmanager
def _single_keys() -> Iterator[None]:
    """Have each key reach the body at once, but none that was pressed before."""
    before = termios.tcgetattr(0)
    tty.setcbreak(0)  # drops what was typed before; Ctrl-C still interrupts
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
