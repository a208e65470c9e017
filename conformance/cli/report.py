"""``stackspin-conformance report``: what several runs say together, from their reports."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from conformance.common.arguments import CommandGroup
from conformance.report.compare import LOOKED_AT, compare
from conformance.report.history.facts import facts_of
from conformance.report.history.store import given, newest_first
from conformance.report.markdown import to_markdown

EXIT_WORSE = 1


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status. Raises HarnessError."""
    group = CommandGroup(
        "stackspin-conformance report",
        "Compare runs, and say what many of them say together. A report is named by its\n"
        "report.json, or by the folder that this is in.",
    )
    parser = group.add(compare_, "compare")
    parser.add_argument("old", metavar="OLD", type=Path, help="the earlier report")
    parser.add_argument("new", metavar="NEW", type=Path, help="the later report")
    parser.add_argument(
        "--history",
        metavar="DIR",
        type=Path,
        help="folder of earlier reports, or with a history.jsonl (default: the one that NEW's "
        "folder is in)",
    )
    parser.add_argument(
        "--format", choices=("markdown", "json"), default="markdown", help="(default: markdown)"
    )
    return group.main(arguments)


def compare_(old: Path, new: Path, history: Path | None, format: str) -> int:
    """Say what changed between two runs: what newly fails and since when, what is fixed.

    A check that did not run in OLD is compared with the last run before OLD in which it ran; how
    long a check usually takes is taken from earlier runs of the same, too.

    Exit status 0; 1: a check newly fails, or NEW has errors outside the checks that OLD had not.
    """
    (_, first), (file, second) = given(old), given(new)
    before, after = facts_of(first), facts_of(second)
    folder = history or file.resolve().parent.parent
    earlier = itertools.islice(newest_first(folder, after.tested, without=after.run_id), LOOKED_AT)
    found = compare(before, after, [*earlier])
    if format == "json":
        print(found.model_dump_json(by_alias=True, indent=2))
    else:
        print(to_markdown(before, after, found), end="")
    worse = found.newly_failing or set(after.errors) - set(before.errors)
    return EXIT_WORSE if worse else 0
