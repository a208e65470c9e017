"""``stackspin-conformance report``: what several runs say together, from their reports."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from conformance.common.arguments import CommandGroup
from conformance.common.errors import HarnessError
from conformance.common.visible import shown
from conformance.report.badge import to_badge
from conformance.report.compare import LOOKED_AT, compare
from conformance.report.files import refused, write_atomically
from conformance.report.given import given
from conformance.report.history.facts import facts_of
from conformance.report.history.in_short import in_short
from conformance.report.history.page import to_html
from conformance.report.history.store import FILE as STORE
from conformance.report.history.store import YEAR, newest_first, unread, update
from conformance.report.history.summary import summarise
from conformance.report.markdown import to_markdown
from conformance.report.merge import merge
from conformance.report.verdict import OverallVerdict
from conformance.report.verify import verify_file

EXIT_WORSE = EXIT_FAILED = EXIT_NOT_WHOLE = 1


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status. Raises HarnessError."""
    group = CommandGroup(
        "stackspin-conformance report",
        "Compare, merge and verify reports. A report is given as its report.json or its folder.",
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
        "--format",
        choices=("markdown", "json"),
        default="markdown",
        help="how the comparison is written (default: markdown)",
    )
    parser = group.add(history)
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder of the runs' reports")
    parser.add_argument(
        "--store",
        metavar="FILE",
        type=Path,
        help="the file that keeps the runs when reports are gone (default: DIR/history.jsonl)",
    )
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="the page (default: DIR/history.html)"
    )
    parser.add_argument(
        "--like",
        metavar="RUN",
        help="id of a run: show the history of what it tested (default: the last run)",
    )
    parser.add_argument(
        "--platform-repository",
        metavar="CLONE",
        type=Path,
        help="a clone of the platform's repository: commits before a break are listed",
    )
    parser = group.add(merge_, "merge")
    parser.add_argument("reports", metavar="REPORT", type=Path, nargs="+", help="two or more")
    parser.add_argument(
        "--output", metavar="DIR", type=Path, required=True, help="folder of the merged report"
    )
    parser = group.add(verify)
    parser.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="report.json, its folder, or conformance-report.yaml",
    )
    parser = group.add(badge)
    parser.add_argument("report", metavar="REPORT", type=Path, help="the report")
    return group.main(arguments)


def compare_(old: Path, new: Path, history: Path | None, format: str) -> int:
    """Say what changed between two runs: what newly fails, since when, and what is fixed.

    A check that did not run in OLD is compared with the last earlier run in which it did. Earlier
    runs of the same also show how long a check usually takes.

    Exit status 0; 1: a check newly fails, or NEW has errors outside the checks that OLD has not;
    2: a report cannot be read, or they have no check in common.
    """
    (_, first), (file, second) = given(old), given(new)
    before, after = facts_of(first), facts_of(second)
    if not before.by_key.keys() & after.by_key.keys():
        raise HarnessError(f"{old} and {new} have no check in common", "give two runs of the same")
    if history and not history.is_dir():
        raise HarnessError(f"there is no folder {history}", "give one with reports: --history DIR")
    if after.started_at < before.started_at:
        said = "give it second; as it is, what newly fails is called fixed"
        print(f"{old} is the later run: {said}", file=sys.stderr)
    folder = history or file.resolve().parent.parent
    same = newest_first(folder, after.tested, without=after.run_id)
    earlier = (run for run in same if run.started_at <= after.started_at)
    found = compare(before, after, [*itertools.islice(earlier, LOOKED_AT)])
    if format == "json":
        print(found.model_dump_json(by_alias=True, indent=2))
    else:
        print(to_markdown(before, after, found), end="")
    worse = found.newly_failing or set(after.errors) - set(before.errors)
    return EXIT_WORSE if worse else 0


def history(
    folder: Path,
    store: Path | None,
    output: Path | None,
    like: str | None,
    platform_repository: Path | None,
) -> None:
    """Say of each check how often it passes, how often it flakes, and how long it takes.

    For a check that fails: since which run, and what changed after it passed last. Writes a page
    with plots, and keeps the runs in a file of JSON lines.
    """
    if not folder.is_dir():
        raise HarnessError(f"there is no folder {folder}", "give the folder of the runs' reports")
    runs = update(folder, store or folder / STORE)
    if not runs:
        raise HarnessError(
            f"no run in {folder} has ended and left a report that can be read",
            "give the folder that has one for each run, such as 20261128T020000Z-w4fdnt, or "
            "--store FILE",
        )
    chosen = next((run for run in reversed(runs) if like in (None, run.run_id)), None)
    if chosen is None:
        raise HarnessError(
            f"{folder} has no run {like} that ended",
            f"give the id of one, such as {runs[-1].run_id}",
        )
    same = [run for run in runs if run.tested == chosen.tested][-YEAR:]
    others = Counter(str(run.tested) for run in runs if run.tested != chosen.tested)
    left_out = [
        f"Left out: {count} {'run' if count == 1 else 'runs'} of something else: {tested}"
        for tested, count in others.most_common()
    ]
    if without := unread(folder, runs):
        more = f" and {len(without) - 1} more" if len(without) > 1 else ""
        left_out.append(
            f"Left out: {without[0]}{more}: not ended, or not readable by this version of the suite"
        )
    if platform_repository and not (platform_repository / ".git").exists():
        left_out.append(f"Left out: the platform's commits: {platform_repository} is not a clone")
    summary = summarise(same, platform_repository)
    page = output or folder / "history.html"
    with refused(page, "--output FILE"):
        write_atomically(page, to_html(summary, folder, left_out))
    for line in [*in_short(summary), *left_out, f"History: {page}"]:
        print(shown(line))


def merge_(reports: list[Path], output: Path) -> int:
    """Make one report of several: shards of one run, or runs on other providers or machines.

    If a check ran in several of them, each result stays, with what tells the runs apart.

    Exit status 0; 1: the merged report says fail.
    """
    several = [given(path) for path in reports]
    with refused(output, "--output DIR"):
        merged = merge(several, output)
    print(f"Verdict: {merged.verdict.value}")
    print(f"Report: {output / 'report.html'}")
    return EXIT_FAILED if merged.verdict is OverallVerdict.FAIL else 0


def verify(file: Path) -> int:
    """Say whether a report that was handed in is whole.

    It is if it follows the schema, its sums are those of its checks, and each file of evidence is
    there with the hash in the report. Whether somebody wrote it by hand cannot be seen.

    Exit status 0: it is whole; 1: it is not; 2: it cannot be read.
    """
    verified = verify_file(file)
    for problem in verified.problems:
        print(shown(f"{file}: {problem}"))
    if verified.problems:
        print("  To do: ask for the whole folder, as the run left it")
        return EXIT_NOT_WHOLE
    print(f"{file}: whole: {verified.said}")
    return 0


def badge(report: Path) -> None:
    """Print a badge, an SVG image, with the verdict of a run."""
    _, found = given(report)
    print(to_badge(found), end="")
