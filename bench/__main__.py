"""``python -m bench [NAMES] [--rounds N]``."""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console

from bench import cases
from bench.catalogue import BENCHMARKS, select
from bench.lab import Lab
from bench.machine import Machine, describe_machine
from bench.results import Result, Results, table, write
from bench.runner import run
from conformance.common.arguments import Parser
from conformance.common.errors import HarnessError
from conformance.common.options import add_argument
from conformance.common.settings import Settings

EXIT_FAILED = 1
EXIT_HARNESS_ERROR = 2
EXIT_INTERRUPTED = 130
GIB = 1024**3
LOG_WIDTH = 120

__all__ = ["cases"]


def parser() -> Parser:
    """Return what reads the arguments."""
    result = Parser(
        "python -m bench",
        description="Measure how fast the harness is; the numbers go to "
        "reports/bench/TIMESTAMP.json.",
    )
    result.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help=f"one of {', '.join(BENCHMARKS)}; by default all but those that take many minutes",
    )
    result.add_argument(
        "--rounds",
        metavar="N",
        type=_rounds,
        default=5,
        help="how often each benchmark is run (default: %(default)s)",
    )
    add_argument(result, Settings, "cluster", metavar="PROVIDER")
    add_argument(
        result, Settings, "reports_dir", metavar="FOLDER", type=Path, default=Path("reports")
    )
    return result


def _rounds(text: str) -> int:
    """Return a number of rounds. Raises ArgumentTypeError if it is not at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def bench(names: Sequence[str], rounds: int, cluster: str, reports_dir: Path) -> int:
    """Run benchmarks, the short ones unless some are named; return the exit status."""
    console = Console(highlight=False)
    if not console.is_terminal:  # whose width is not known: a CI job's log takes long lines
        console = Console(highlight=False, width=LOG_WIDTH)
    chosen = [Result(one) for one in select(names)]
    on_clusters = any(result.benchmark.needs_cluster for result in chosen)
    if on_clusters and os.geteuid() != 0:
        raise HarnessError("the clusters to measure need root", "run as root, or with sudo")
    with Lab(cluster) as lab:
        if on_clusters:
            lab.prepare()
        results = Results(describe_machine(), rounds, chosen)
        _show_machine(results.machine, console)
        try:
            run(results, lab, lambda text: console.print(text, style="dim", markup=False))
        finally:
            _show(results, reports_dir / "bench", console)
    return EXIT_FAILED if any(result.errors for result in chosen) else 0


def _show_machine(machine: Machine, console: Console) -> None:
    console.print(
        f"{machine.system}, Linux {machine.kernel}, cgroups {machine.cgroups}; {machine.cores} x "
        f"{machine.model}; {machine.memory_available_bytes / GIB:.0f} of "
        f"{machine.memory_bytes / GIB:.0f} GiB of memory free; before the start: load "
        f"{' '.join(f'{load:.1f}' for load in machine.load)}, cores {machine.busy:.0%} in use"
    )
    _warn(machine.warnings(), console)


def _show(results: Results, folder: Path, console: Console) -> None:
    if any(result.samples for result in results.results):
        console.print(table(results))
    for result in results.results:
        for error in result.errors:
            console.print(f"{result.benchmark.name} failed: {error}", style="red", markup=False)
    if not results.complete:
        console.print("interrupted: not all rounds were run", style="bold red")
    _warn(results.warnings(), console)
    console.print(str(write(results, folder)), soft_wrap=True)


def _warn(warnings: list[str], console: Console) -> None:
    for warning in warnings:
        console.print(f"WARNING, do not compare these numbers: {warning}", style="bold yellow")


def _interrupt(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise KeyboardInterrupt("SIGTERM")


def main() -> None:
    """Run; a HarnessError is two lines on standard error and exit status 2."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        sys.exit(bench(**vars(parser().parse_intermixed_args())))
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_HARNESS_ERROR)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()
