"""Plots as SVG inside a page: stretched to its width, coloured by its style sheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from conformance.report.history.episodes import CheckHistory
from conformance.report.history.facts import RunFacts
from conformance.report.verdict import Verdict

_HEIGHT = 40
_STRIP = 10
_SHARE = 150
"""A failure among thousands of runs is drawn this part of the width wide: still to be seen."""
_HEIGHTS = {Verdict.PASS: 6, Verdict.FAIL: _STRIP}
"""Not by colour alone: a failure is high, a pass is low, all else is a line."""


def strip(history: CheckHistory) -> Markup:
    """Return a check's verdicts, one column a run."""
    count = len(history.runs)
    paths: dict[str, list[str]] = {"passed": [], "failed": [], "open": []}
    for verdict, start, length in _stretches(history):
        if verdict is None:
            continue
        high = _HEIGHTS.get(verdict, 2)
        kind = {Verdict.PASS: "passed", Verdict.FAIL: "failed"}.get(verdict, "open")
        width: float = length
        if verdict is Verdict.FAIL:
            width = round(max(length, count / _SHARE), 1)
        at = min(start, count - width)
        paths[kind].append(f"M{at:g} {_STRIP}v-{high}h{width:g}v{high}z")
    drawn = [(kind, "".join(path)) for kind, path in paths.items() if path]
    failed = [run for run, one in history.observed if one.verdict is Verdict.FAIL]
    label = f"Ran in {len(history.observed)} of {count} runs, failed in {len(failed)}"
    return _svg(count, _STRIP, label, drawn)


def durations(history: CheckHistory) -> Markup:
    """Return how long a check took where it passed, over the band of its quartiles."""
    passed = [
        (at, one.seconds)
        for at, one in enumerate(history.results)
        if one and one.verdict is Verdict.PASS
    ]
    usual = history.usual
    label = "Seconds that the check took where it passed"
    if usual:
        label += f": half of them between {usual.low:.1f} and {usual.high:.1f}"
    top = highest(history)
    drawn = [("line", _line(passed, top))]
    if usual:
        low, high = _y(usual.low, top), _y(usual.high, top)
        count = len(history.runs)
        drawn.insert(0, ("band", f"M0 {high}h{count}v{max(1, low - high)}h-{count}z"))
    return _svg(len(history.runs), _HEIGHT, label, drawn)


def highest(history: CheckHistory) -> float:
    """Return the seconds at the top of the plot of a check's durations."""
    return max(
        (one.seconds for _, one in history.observed if one.verdict is Verdict.PASS), default=1
    )


def failures(runs: Sequence[RunFacts]) -> Markup:
    """Return how many checks failed, run by run."""
    counts = failed_in(runs)
    most = max([*counts, 1])
    columns = "".join(
        f"M{at} {_HEIGHT}v-{_HEIGHT - _y(count, most)}h1v{_HEIGHT - _y(count, most)}z"
        for at, count in enumerate(counts)
        if count
    )
    label = f"Checks that failed, run by run: {max(counts, default=0)} at most"
    return _svg(len(runs), _HEIGHT, label, [("failed", columns)] if columns else [])


def failed_in(runs: Sequence[RunFacts]) -> list[int]:
    """Return how many checks failed in each run."""
    return [sum(check.verdict is Verdict.FAIL for check in run.checks) for run in runs]


def minutes(runs: Sequence[RunFacts]) -> Markup:
    """Return how long each run took."""
    longest = max(run.seconds for run in runs) or 1
    points = [(at, run.seconds) for at, run in enumerate(runs)]
    label = f"Minutes that the runs took: {longest / 60:.0f} at most"
    return _svg(len(runs), _HEIGHT, label, [("line", _line(points, longest))])


def _stretches(history: CheckHistory) -> Iterator[tuple[Verdict | None, int, int]]:
    """Yield verdicts, each with where it begins and how many runs it lasts."""
    start = 0
    verdicts = [one.verdict if one else None for one in history.results]
    for at in range(1, len(verdicts) + 1):
        if at == len(verdicts) or verdicts[at] is not verdicts[start]:
            yield verdicts[start], start, at - start
            start = at


def _y(value: float, top: float) -> int:
    return round(_HEIGHT - 1 - (_HEIGHT - 2) * value / (top or 1))


def _line(points: Sequence[tuple[int, float]], top: float) -> str:
    """Return a path of steps, one a run, as wide as its column; runs without a point are gaps."""
    found, was = [], (-2, 0)
    for at, value in points:
        y = _y(value, top)
        if at - was[0] != 1:
            found.append(f"M{at} {y}")
        elif y != was[1]:
            found.append(f"v{y - was[1]}")
        found.append("h1")
        was = (at, y)
    return "".join(found)


def _svg(width: int, height: int, label: str, paths: Sequence[tuple[str, str]]) -> Markup:
    drawn = Markup("").join(Markup('<path class="{}" d="{}"/>').format(*path) for path in paths)
    return Markup(
        '<svg role="img" aria-label="{}" viewBox="0 0 {} {}" preserveAspectRatio="none">{}</svg>'
    ).format(label, width, height, drawn)
