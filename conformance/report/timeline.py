"""When everything of a run went on, and what waited for what: rows of blocks inside the page.

What was brought up and installed comes first. Then the checks: a row for each cluster or lane; if
there was one only, for each capability. If the installation took a small part of the run, it is one
block there, and a second drawing has the beginning alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from conformance.report.anchor import anchor
from conformance.report.drawing import Block, drawing, ticks
from conformance.report.environment import ObtainedPart
from conformance.report.installed import Entry, Installed, Wait
from conformance.report.model import RunReport
from conformance.report.results import CheckResult
from conformance.report.verdict import Verdict
from conformance.report.wording import counted, named, ran_in, seconds

_CLASSES = {Verdict.PASS: "passed", Verdict.FAIL: "failed"}
_SHORT = 0.02
"""Of the whole time: shorter steps that overlap are drawn as one block."""
_SMALL = 0.3
"""Of the whole time: an installation that took less is drawn by itself, too."""
_LINES, _LARGER_LINES = 5, 13
"""With so many lines a row has thin ones, without names; in the larger drawing, names matter."""
_AT_ONCE = 5.0
"""Seconds between the end of the installation and what is seen as a part of it."""
_OUTCOMES = {"done": "step", "failed": "failed", "unfinished": "open"}
_ROWS = {
    "cluster": "Cluster",
    "part": "Parts",
    "image": "Images",
    "platform": "Platform",
    "app image": "App images",
    "app": "Apps",
    "preparation": "Made for checks",
}
"""Rows of what is installed on the clusters under test; another cluster has one of its own."""
_AT_FIRST = {*_ROWS} - {"preparation"}


@dataclass(frozen=True)
class Row:
    """What ran in one place, or of one capability, or was installed."""

    label: str
    """The cluster or the lane, the capability, or the kind of step; empty: it is the only row."""
    drawing: Markup


@dataclass(frozen=True)
class Timeline:
    """All rows, of the same scale."""

    seconds: float
    """How long the whole width is."""
    rows: list[Row]

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Where the time is written below, in percent of the width, and what is written there."""
        return ticks(self.seconds)


def timelines(report: RunReport) -> list[Timeline]:
    """Return the whole run's timeline; if the installation is short beside it, its beginning's too.

    The list is empty if the report does not say when checks began. The paler part of a check is its
    set-up. A line along a block's lower edge is where it waited.
    """
    installed = Installed(report)
    checks = [check for check in report.checks if check.began is not None]
    if not checks:
        return []
    ends = [_end(entry) for entry in installed.entries if entry.step.kind]
    ends += [(check.began or 0.0) + check.seconds for check in checks]
    total = max([report.seconds, *ends]) or 1.0
    judged = _checks(checks, installed)
    until = _installed(installed)
    rows = _installation(installed, until) | judged
    first = {label: [one for one in row if one.began < until] for label, row in rows.items()}
    if until >= _SMALL * total or not any(first.values()):
        return [_timeline(_installation(installed, total) | judged, total)]
    whole = _together(installed, until) | _installation(installed, total, after=until) | judged
    return [_timeline(whole, total), _timeline(first, until, thin_from=_LARGER_LINES)]


def _timeline(
    rows: Mapping[str, Sequence[Block]], total: float, thin_from: int = _LINES
) -> Timeline:
    return Timeline(
        total,
        [
            Row(label, drawing(blocks, total, _described(label, blocks, total), thin_from))
            for label, blocks in rows.items()
            if blocks
        ],
    )


def _together(installed: Installed, until: float) -> dict[str, list[Block]]:
    """Return a row with what was there at first as one block."""
    title = f"Installation: {seconds(until)}, drawn larger below"
    steps = [entry.anchor for entry in installed.entries if entry.step.began < until]
    return {"Installation": [Block(0.0, until, "step", title, "installation", also=steps)]}


def _installed(installed: Installed) -> float:
    """Return when the platform, and what followed at once, was there; in seconds."""
    here = [
        entry
        for entry in installed.entries
        if entry.step.kind in _AT_FIRST and entry.step.cluster in {"", *installed.clusters}
    ]
    kinds = ("cluster", "platform")
    until = max((_end(entry) for entry in here if entry.step.kind in kinds), default=0.0)
    for entry in sorted(here, key=lambda entry: entry.step.began):
        if entry.step.began < until + _AT_ONCE:
            until = max(until, _end(entry))
    return until


def _described(label: str, blocks: Sequence[Block], total: float) -> str:
    word = "check" if any(block.is_check for block in blocks) else "step"
    what = f"When each of {counted(len(blocks), word)} went on, in {seconds(total)}"
    return f"{label}: {what}" if label else what


def _installation(installed: Installed, total: float, after: float = 0.0) -> dict[str, list[Block]]:
    """Return the rows, of what is there at first without what began before ``after``."""
    rows: dict[str, list[Block]] = {}
    parts = [
        _of_part(target, part) for target, part in installed.parts.items() if part.began >= after
    ]
    for kind, label in _ROWS.items():
        here = [
            entry
            for entry in installed.entries
            if entry.step.kind == kind
            and entry.step.cluster in {"", *installed.clusters}
            and (entry.step.began >= after or kind not in _AT_FIRST)
        ]
        blocks = parts if kind == "part" else _blocks(here, installed, total)
        if blocks:
            rows[label] = blocks
    elsewhere: dict[str, list[Entry]] = {}
    for entry in installed.entries:
        cluster = entry.step.cluster
        if entry.step.kind and cluster and cluster not in installed.clusters:
            elsewhere.setdefault(cluster, []).append(entry)
    return rows | {name: _blocks(entries, installed, total) for name, entries in elsewhere.items()}


def _blocks(entries: Iterable[Entry], installed: Installed, total: float) -> list[Block]:
    """Return a block for each step; short ones that go on at the same time are one."""
    blocks: list[Block] = []
    together: list[Entry] = []
    for entry in entries:
        if entry.step.kind != "image" and entry.step.seconds > _SHORT * total:
            blocks.append(_of_step(entry, installed))
        elif together and entry.step.began < max(map(_end, together)):
            together.append(entry)
        else:
            blocks += _of_several(together, installed)
            together = [entry]
    return sorted([*blocks, *_of_several(together, installed)], key=lambda block: block.began)


def _end(entry: Entry) -> float:
    return entry.step.began + entry.step.seconds


def _of_step(entry: Entry, installed: Installed) -> Block:
    step = entry.step
    said = "" if step.outcome == "done" else f", {step.outcome}"
    return Block(
        step.began,
        step.seconds,
        _OUTCOMES[step.outcome],
        f"{entry.title}: {seconds(step.seconds)}{said}{_waited(installed.summed(step))}",
        entry.anchor,
        name=step.step,
        waits=installed.waits(step),
    )


def _of_several(entries: Sequence[Entry], installed: Installed) -> list[Block]:
    """Return steps that went on at the same time as one block; none of none."""
    if len(entries) < 2:
        return [_of_step(entry, installed) for entry in entries]
    began, ended = entries[0].step.began, max(map(_end, entries))
    outcomes = {entry.step.outcome for entry in entries}
    outcome = next(one for one in ("failed", "unfinished", "done") if one in outcomes)
    titles = [_of_step(entry, installed).title for entry in entries]
    name = counted(len(entries), "step")
    return [
        Block(
            began,
            ended - began,
            _OUTCOMES[outcome],
            "\n".join([f"{name}: {seconds(ended - began)}", *titles]),
            entries[0].anchor,
            name=name,
            also=[entry.anchor for entry in entries[1:]],
        )
    ]


def _waited(waits: Iterable[Wait]) -> str:
    return "".join(f"\nwaited {seconds(wait.seconds)} for {wait.title}" for wait in waits)


def _of_part(target: str, part: ObtainedPart) -> Block:
    title = f"{part.name} {part.how}: {seconds(part.seconds)}"
    return Block(part.began, part.seconds, "step", title, target, name=part.name)


def _checks(checks: Sequence[CheckResult], installed: Installed) -> dict[str, list[Block]]:
    """Divide the checks among the places where they ran, or else among their capabilities."""
    begun = sorted(checks, key=lambda check: check.began or 0.0)
    places: dict[str, list[CheckResult]] = {}
    for check in begun:
        label = ", ".join(filter(None, (check.where, ran_in(check))))
        places.setdefault(label, []).append(check)
    divided = dict(sorted(places.items()))
    if len(places) == 1:
        divided = {}
        for check in begun:
            name = check.id.partition(".")[0].replace("_", " ").capitalize()
            divided.setdefault(name, []).append(check)
        if len(divided) == 1 and not installed.entries:
            divided = {"": begun}
    return {
        label: [_of_check(check, installed) for check in found] for label, found in divided.items()
    }


def _of_check(check: CheckResult, installed: Installed) -> Block:
    said = f"{named(check)}: {check.verdict.value}, {seconds(check.seconds)}"
    return Block(
        check.began or 0.0,
        check.seconds,
        _CLASSES.get(check.verdict, "open"),
        f"{said}{_waited(installed.summed(check))}",
        anchor(check),
        set_up=check.phases.setup,
        waits=installed.waits(check),
        is_check=True,
    )
