"""``stackspin-conformance``: what is not a test run. Checks run under pytest (``tox``)."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conformance.common.arguments import EXIT_WRONG_USAGE, Parser
from conformance.common.errors import HarnessError
from conformance.common.installation import DISTRIBUTION, require_cluster_extra, version
from conformance.common.visible import shown_lines

EXIT_HARNESS_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_PIPE_CLOSED = 141
"""As a shell says it of a program that SIGPIPE ended."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Command:
    """A command: its module, whose ``main`` takes arguments and returns the exit status."""

    module: str
    summary: str
    needs_cluster_extra: bool = True


COMMANDS: Mapping[str, Command] = {
    "app": Command(
        "conformance.cli.app",
        "check app packages against Stackspin's requirements; with --cluster, run them",
        needs_cluster_extra=False,
    ),
    "doctor": Command(
        "conformance.cli.doctor",
        "show what works on this host, what does not, and how to fix it",
    ),
    "cluster": Command(
        "conformance.cli.cluster", "start, list and delete clusters that stay, and work on them"
    ),
    "platform": Command(
        "conformance.cli.platform",
        "describe the Stackspin on a cluster, check a description, clean up after killed runs",
    ),
    "job": Command(
        "conformance.cli.job",
        "run the checks in a pod, on the Stackspin of its cluster; make the image for that",
    ),
    "report": Command(
        "conformance.cli.report",
        "compare, merge and verify reports; the history of many runs",
    ),
    "comment": Command(
        "conformance.cli.comment",
        "write a result as a comment of a merge or pull request, or update that comment",
        needs_cluster_extra=False,
    ),
    "components": Command(
        "conformance.cli.components",
        "list, obtain, pin and share the parts that the suite runs",
    ),
}


def run(arguments: Sequence[str]) -> int:
    """Run a command; only its own module is imported. Return the exit status.

    Raises HarnessError on wrong usage, and if the command needs an extra that is not installed.
    """
    command = COMMANDS.get(arguments[0]) if arguments else None
    if command is None:
        return _without_command(arguments)
    if command.needs_cluster_extra:
        require_cluster_extra(f"{DISTRIBUTION} {arguments[0]}")
    status: int = importlib.import_module(command.module).main(arguments[1:])
    return status


def _without_command(arguments: Sequence[str]) -> int:
    parser = Parser(
        DISTRIBUTION,
        description="Conformance suite for Stackspin. The checks run with: "
        "./bootstrap tox -e conformance",
    )
    parser.add_argument("--version", action="store_true", help="show the suite's version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.summary, description=command.summary)
    if parser.parse_args(arguments).version:
        print(DISTRIBUTION, version())
        return 0
    parser.print_help()
    return EXIT_WRONG_USAGE


def main() -> None:
    """Run a command; a HarnessError is two lines on standard error and exit status 2."""
    _open_closed_streams()
    try:
        status = run(sys.argv[1:])
        sys.stdout.flush()
        sys.exit(status)
    except BrokenPipeError:  # as in ``report compare A B | head``; Python would complain at its end
        _drop_output()
        sys.exit(EXIT_PIPE_CLOSED)
    except HarnessError as error:
        print(f"error: {shown_lines(str(error))}", file=sys.stderr)
        sys.exit(EXIT_HARNESS_ERROR)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _drop_output()
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: the output cannot be written: {where}{error.strerror}", file=sys.stderr)
        print("  To do: make room for it, or write it elsewhere", file=sys.stderr)
        sys.exit(EXIT_HARNESS_ERROR)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


def _open_closed_streams() -> None:
    """Drop what is written to a closed stream, as after ``>&-``; no other file gets its number."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115


def _drop_output() -> None:
    """Let Python not try again at its end to write what could not be written, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
