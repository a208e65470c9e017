"""pytest in a process of its own that begins with all that this one has imported.

A test of signals, of a terminal or of a divided run needs a whole process. A new interpreter takes
two seconds of CPU to import what a run of checks needs; a fork has it already. That a run is the
same in a new interpreter is shown by one test of divided runs and one of lanes.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

_FORK = multiprocessing.get_context("fork")


class Forked:
    """A run of pytest in ``folder``; where no ``terminal`` is given, it writes files there."""

    def __init__(
        self,
        folder: Path,
        arguments: tuple[str, ...],
        *,
        terminal: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._files = folder / "stdout", folder / "stderr"
        streams = [terminal] * 3 if terminal is not None else [
            os.open(os.devnull, os.O_RDONLY),
            *(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for file in self._files),
        ]  # fmt: skip
        given = (
            folder,
            arguments,
            streams,
            dict(os.environ if environment is None else environment),
        )
        self.process: BaseProcess = _FORK.Process(target=_run, args=given)
        self.process.start()
        if terminal is None:
            for stream in streams:
                os.close(stream)

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def wait(self, seconds: float = 180) -> int:
        """Return its exit status; if a signal ended it, the negative number of that."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, f"pytest runs for more than {seconds} s"
        return self.process.exitcode

    def output(self) -> tuple[str, str]:
        """Return what it has written to stdout and stderr."""
        out, err = (file.read_text(encoding="utf-8") for file in self._files)
        return out, err


@contextmanager
def forked(
    folder: Path,
    *arguments: str,
    terminal: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Forked]:
    """Start pytest; at the end it runs no more, whatever came between."""
    run = Forked(folder, arguments, terminal=terminal, environment=environment)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.join()


def run_forked(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Do what ``pytester.runpytest_subprocess`` does."""
    with forked(pytester.path, "--basetemp=basetemp", *arguments) as run:
        status = run.wait(600)
        out, err = run.output()
    print(out, err, sep="\n")
    return pytest.RunResult(status, out.splitlines(), err.splitlines(), 0)


def _run(
    folder: Path, arguments: tuple[str, ...], streams: list[int], environment: dict[str, str]
) -> None:
    gc.freeze()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - not a path, and for as long as it runs
    sys.stdout, sys.stderr = (
        open(number, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
        for number in (1, 2)
    )
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.argv = ["pytest", *arguments]
    # A new interpreter would have imported nothing before pytest, and not be warned of it.
    AssertionRewritingHook._warn_already_imported = lambda *_: None  # type: ignore[method-assign]
    sys.exit(pytest.main(list(arguments)))
