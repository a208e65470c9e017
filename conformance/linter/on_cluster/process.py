"""The process that runs the checks on a cluster: pytest, apart from the linter.

It is given nothing of the folder that it is started in: a package, or the repository around it, may
have a pytest.ini or a conftest.py, whose code would run on the host.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from conformance.common.parent_death import end_with
from conformance.linter.on_cluster.report import FILE, read_run
from conformance.linter.result import ClusterRun

CAPABILITIES = Path(__file__).resolve().parents[2] / "capabilities"
"""The checks, in a checkout or in an installed package."""
_SEALED = (
    f"--config-file={os.devnull}",
    f"--rootdir={CAPABILITIES.parent.parent}",
    f"--confcutdir={CAPABILITIES}",
    "-p",
    "no:cacheprovider",
)
"""No file of others decides what pytest does, and none is written beside the suite's own."""
_TOLD = ("--no-header", "--no-summary")
"""A line a check; what they found is said by the linter."""
_NOT_PASSED_ON = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
"""Somebody's own tests may need them: a plugin that changes the order of tests, for example."""
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STANDARD_ERROR = 2


@dataclass(frozen=True)
class Ended:
    """How the process came to its end."""

    status: int
    """Its exit status; of one that a signal ended, that number below 0."""
    signal: int
    """The first one that this process got meanwhile; 0: none."""
    folder: Path | None
    """The one with the report of its run; None: there is none."""

    def run(self) -> ClusterRun:
        """Return what the run found out. Raises HarnessError if its report cannot be read."""
        if self.folder is not None:
            return read_run(self.folder)
        why = f"exit status {self.status}: its output above says why"
        if self.signal:
            why = signal.Signals(self.signal).name
        return ClusterRun(f"the checks on the cluster did not begin ({why})")


@dataclass
class _Signals:
    """Signals that arrive here while the checks run are theirs: they take the cluster away."""

    process: subprocess.Popen[bytes] | None = None
    received: list[int] = field(default_factory=list)

    def __call__(self, number: int, _: FrameType | None) -> None:
        self.received.append(number)
        self.pass_on(number)

    def pass_on(self, number: int) -> None:
        """Pass a signal on; a terminal that is gone is no reason to leave a cluster behind."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM if number == signal.SIGHUP else number)


def pytest_arguments(options: Sequence[str]) -> list[str]:
    """Return what pytest is called with; ``options`` say on which apps, and where."""
    return [str(CAPABILITIES), *_SEALED, *_TOLD, *options]


def run_checks(options: Sequence[str], reports: Path) -> Ended:
    """Run the checks, their progress on standard error; return when they have ended.

    Ctrl-C, SIGTERM and SIGHUP end them, and so does whatever kills this process. ``reports`` is
    where their report goes, among others.
    """
    arguments = pytest_arguments([f"--reports-dir={reports}", *options])
    environment = {name: os.environ[name] for name in os.environ if name not in _NOT_PASSED_ON}
    before = set(_folders(reports))
    with _ending_signals() as signals:
        # -P: no module of the folder that this is started in.
        process = signals.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pytest", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=_STANDARD_ERROR,
            env=environment,
            preexec_fn=functools.partial(end_with, os.getpid()),  # noqa: PLW1509 - one thread
        )
        for number in signals.received:  # before there was anybody to pass them on to
            signals.pass_on(number)
        status = process.wait()
    folder = _report_of(arguments, [one for one in _folders(reports) if one not in before])
    return Ended(status, next(iter(signals.received), 0), folder)


@contextlib.contextmanager
def _ending_signals() -> Iterator[_Signals]:
    signals = _Signals()
    previous: dict[int, Any] = {}
    try:
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                previous[number] = signal.signal(number, signals)
        yield signals
    finally:
        for caught, handler in previous.items():
            signal.signal(caught, handler)


def _folders(reports: Path) -> list[Path]:
    """Return those with a report; ``latest`` is a link to one of them."""
    found = (file.parent for file in sorted(reports.glob(f"*/{FILE}")))
    return [folder for folder in found if not folder.is_symlink()]


def _report_of(arguments: Sequence[str], folders: Sequence[Path]) -> Path | None:
    """Return which of the reports that were written meanwhile is that of this run.

    Another one may run beside it, on a cluster of another name.
    """
    for folder in reversed(folders):
        with contextlib.suppress(OSError, ValueError, TypeError, LookupError):
            command = json.loads((folder / FILE).read_text(encoding="utf-8"))["command"]
            if command[1:] == list(arguments):
                return folder
    return None
