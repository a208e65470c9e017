"""Blocks of a timeline as SVG: one row, with a line more for each that went on at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from conformance.report.installed import Wait

_WIDTH = 1000
_LINE, _BAR = 20, 16
_THIN_LINE, _THIN_BAR = 10, 8
"""Of rows with many at the same time."""
_NAMED = 7
"""Percent of the width that a block has whose name is written on it."""
_STRIP = 4
"""Height of the line that says that a block waited."""
_GAP = 2
_NARROW = 3
"""What a telephone still shows, which draws the width in some 350 pixels."""
_OVERLAP = 0.1
"""Seconds by which one may seem to end after the next began: both are rounded."""
_MOST_TICKS = 6
_TICKS = (5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800)
_END = 92
"""Percent of the width beyond which no time is written: it would stand out of the page."""


@dataclass(frozen=True)
class Block:
    """Something that went on; in seconds after the run began."""

    began: float
    seconds: float
    kind: str
    """passed, failed, open or step."""
    title: str
    anchor: str
    """Of what the page says about it."""
    name: str = ""
    """What is written on it."""
    set_up: float = 0.0
    """How many of the seconds are paler."""
    waits: Sequence[Wait] = ()
    is_check: bool = False
    also: Sequence[str] = ()
    """Anchors of what else is part of the block."""


def drawing(blocks: Sequence[Block], total: float, label: str, thin_from: int) -> Markup:
    """Draw the blocks, in the order in which they began, as ``total`` seconds wide.

    ``thin_from`` is the number of lines from which on they are thin.
    """
    scale = _WIDTH / total
    ends: list[float] = []
    lines = []
    for block in blocks:
        line = next((at for at, end in enumerate(ends) if end <= block.began + _OVERLAP), len(ends))
        ends[line : line + 1] = [block.began + block.seconds]
        lines.append(line)
    step, bar = (_THIN_LINE, _THIN_BAR) if len(ends) >= thin_from else (_LINE, _BAR)
    height = len(ends) * step
    bars = [_bar(block, scale, line * step, bar) for block, line in zip(blocks, lines, strict=True)]
    grid = "".join(f"M{at * _WIDTH / 100:.1f} -2v{height}" for at, _ in ticks(total))
    return Markup(
        '<div class="row"><svg role="img" aria-label="{}" viewBox="0 {} {} {}" height="{}" '
        'preserveAspectRatio="none"><path class="grid" d="{}"/>{}</svg>{}</div>'
    ).format(
        label,
        (bar - step) // 2,
        _WIDTH,
        height,
        height,
        grid,
        Markup("").join(bars),
        Markup("").join(map(_name, blocks, lines, [total] * len(blocks)) if step == _LINE else []),
    )


def _name(block: Block, line: int, total: float) -> Markup:
    """Return what is written on a block; nothing on a narrow one."""
    left = 100 * block.began / total
    width = min(100 * block.seconds / total, 100 - left)
    if not block.name or width < _NAMED:
        return Markup("")
    return Markup(
        '<span aria-hidden="true" style="left:{:.2f}%;width:{:.2f}%;top:{}px">{}</span>'
    ).format(left, width, line * _LINE, block.name)


def ticks(total: float) -> list[tuple[float, str]]:
    """Return where times are written below ``total`` seconds: percent of the width, and the text.

    The beginning is not among them, nor what is close to the end.
    """
    apart = next((one for one in _TICKS if total / one <= _MOST_TICKS), _TICKS[-1])
    found = []
    for number in range(1, int(total // apart) + 1):
        at = 100 * number * apart / total
        if at <= _END:
            found.append((round(at, 2), _time(number * apart)))
    return found


def _time(count: int) -> str:
    if count < 60:
        return f"{count} s"
    if count % 3600 == 0:
        return f"{count // 3600} h"
    minutes, rest = divmod(count, 60)
    return f"{minutes}:{rest:02d} min" if rest else f"{minutes} min"


def _bar(block: Block, scale: float, top: int, height: int) -> Markup:
    start, set_up = block.began * scale, block.set_up * scale
    rest = (block.seconds - block.set_up) * scale
    rest = max(_NARROW, rest - _GAP)  # one is seen to end, and the next to begin
    paths = Markup("")
    if block.is_check:
        paths += _path("setup", start, top, set_up, height)
    paths += _path("", start + set_up, top, rest, height)
    for wait in block.waits:
        strip = max(1.0, wait.seconds * scale)
        paths += _path("waited", wait.began * scale, top + height - _STRIP, strip, _STRIP)
    ids = " ".join([block.anchor, *block.also])
    awaited = " ".join(dict.fromkeys(wait.anchor for wait in block.waits if wait.anchor))
    return Markup('<g class="{}" data-at="{}"{}><title>{}</title>{}</g>').format(
        block.kind,
        ids,
        Markup(' data-awaits="{}"').format(awaited) if awaited else "",
        block.title,
        paths,
    )


def _path(kind: str, left: float, top: int, width: float, height: int) -> Markup:
    given = Markup('class="{}" ').format(kind) if kind else ""
    return Markup('<path {}d="M{:.1f} {}h{:.1f}v{}h-{:.1f}z"/>').format(
        given, left, top, width, height, width
    )
