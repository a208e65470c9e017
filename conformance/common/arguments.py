"""How the commands read their arguments: argparse, with the suite's own errors."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Sequence
from typing import NoReturn

from conformance.common.errors import HarnessError

EXIT_WRONG_USAGE = 2
_FOR_PROGRAMMERS = ("Raises", "Returns")
"""How a docstring's paragraph begins that says something to callers and nothing to users."""


class Parser(argparse.ArgumentParser):
    """Reads arguments. An option has to be written in full, so that a new one breaks no script."""

    def __init__(self, prog: str, *, description: str, epilog: str = "") -> None:
        super().__init__(
            prog,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Raise HarnessError: wrong usage is reported like every other error of the suite."""
        raise HarnessError(message, f"{self.prog} --help shows what there is")


class CommandGroup:
    """A command that has commands of its own, as ``cluster`` has ``up`` and ``down``."""

    def __init__(self, prog: str, description: str) -> None:
        self._parser = Parser(prog, description=description)
        self._commands = self._parser.add_subparsers(
            title="commands", metavar="COMMAND", required=True
        )

    def add(self, run: Callable[..., int | None], name: str = "") -> Parser:
        """Add a command that calls ``run``, whose docstring is its help; return its parser.

        The list of commands shows the first paragraph. A paragraph that begins with "Raises" or
        "Returns" is for programmers, and is no help. ``run`` is given the parser's arguments by
        name, and may return an exit status.
        """
        paragraphs = [
            paragraph
            for paragraph in (inspect.getdoc(run) or "").split("\n\n")
            if not paragraph.startswith(_FOR_PROGRAMMERS)
        ]
        parser = self._commands.add_parser(
            name or run.__name__, help=paragraphs[0], description="\n\n".join(paragraphs)
        )
        parser.set_defaults(run=run)
        return parser

    def main(self, arguments: Sequence[str]) -> int:
        """Run the command that ``arguments`` begin with; without one, show all of them.

        Return the exit status. Raises HarnessError on wrong usage.
        """
        if not arguments:
            self._parser.print_help()
            return EXIT_WRONG_USAGE
        given = vars(self._parser.parse_args(arguments))
        status: int | None = given.pop("run")(**given)
        return status or 0
