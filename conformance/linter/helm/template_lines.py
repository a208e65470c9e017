"""Which line of a template a rendered line comes from: the likeliest, as nothing records it.

Helm writes the lines of a template in their order, leaves some out (``if``), repeats some
(``range``), and puts several in the place of one (``include``, ``toYaml``). So each rendered line
is given a line of the template such that lines look alike and the order is kept where it can be:
the best of all such ways is found line by line, as in the alignment of two sequences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_KEY = re.compile(r"(\s*)((?:- )*)([^\s:#{}][^:{}]*):(?:\s+(.*))?$")
_MOST = 400_000
"""Pairs of lines, beyond which nothing is compared: half a second of work."""

# How much speaks for a pair of lines, and what a jump in the template costs.
_SAME = 6.0
_SAME_KEY = 5.0
_OTHER_INDENT = 1.0
_EXPANDED = 0.5
_UNLIKE = -2.0
_STAY = -1.0
_SKIP = -0.5
_BACK = -3.0


class TemplateLines:
    """The lines of what a template rendered to, compared with the template when first asked."""

    def __init__(self, template: str | None, rendered: str) -> None:
        """``template`` is None where its text is not known."""
        self._template = template
        self._rendered = rendered
        self._found: list[int] | None = None

    def line(self, number: int) -> int:
        """Return the template's line, from 1, for a rendered one, from 1; 0 if it is not known."""
        if self._found is None:
            self._found = [] if self._template is None else _compare(self._template, self._rendered)
        if not self._found:
            return 0
        return self._found[min(max(number, 1), len(self._found)) - 1]


@dataclass(frozen=True)
class _Line:
    """A line of a template."""

    number: int
    text: str
    indent: str
    key: str
    value: str
    expands: bool
    """Whether it may have rendered to several lines."""

    @classmethod
    def read(cls, number: int, line: str) -> _Line:
        found = _KEY.match(line)
        indent, key, value = ("", "", "")
        if found:
            indent, key, value = (found[1] + found[2], found[3].strip(), found[4] or "")
        return cls(number, line.rstrip(), indent, key, value, "{{" in line)

    def likeness(self, rendered: _Line) -> float:
        """Return how much speaks for it having rendered to a line."""
        if self.text == rendered.text:
            return _SAME
        if self.key and self.key == rendered.key:
            if self.indent == rendered.indent and (self.expands or not self.value):
                return _SAME_KEY
            return _OTHER_INDENT
        return _EXPANDED if self.expands else _UNLIKE


def _compare(template: str, rendered: str) -> list[int]:
    """Return for each line of ``rendered`` the number of a line of the template."""
    lines = [_Line.read(n, one) for n, one in enumerate(template.split("\n"), 1) if _says(one)]
    texts = rendered.split("\n")
    wanted = [(index, _Line.read(index, one)) for index, one in enumerate(texts) if one.strip()]
    if not lines or not wanted or len(lines) * len(wanted) > _MOST:
        return []
    found = [0] * len(texts)
    for (index, _), line in zip(wanted, _best([one for _, one in wanted], lines), strict=True):
        found[index] = line.number
    last = found[wanted[0][0]]
    for index, number in enumerate(found):
        last = found[index] = number or last
    return found


def _says(line: str) -> bool:
    """Whether a line of a template may render to anything."""
    bare = line.strip()
    return bool(bare) and not re.fullmatch(
        r"\{\{-?\s*(?:if|else|end|range|with|define|/\*|\$\w+\s*:?=)[^{}]*\}\}", bare
    )


def _best(rendered: list[_Line], lines: list[_Line]) -> list[_Line]:
    """Return the likeliest line of the template for each rendered line (Viterbi's algorithm)."""
    likeness: dict[str, list[float]] = {}
    score: list[float] = []
    steps: list[list[int]] = []
    for line in rendered:
        alike = likeness.get(line.text)
        if alike is None:
            alike = likeness[line.text] = [one.likeness(line) for one in lines]
        if not score:
            score = [value + _SKIP * min(place, 1) for place, value in enumerate(alike)]
            continue
        came_from = _sources(score, lines)
        score = [cost + value for (cost, _), value in zip(came_from, alike, strict=True)]
        steps.append([place for _, place in came_from])
    place = max(range(len(score)), key=score.__getitem__)
    found = [lines[place]]
    for step in reversed(steps):
        place = step[place]
        found.append(lines[place])
    return found[::-1]


def _sources(score: list[float], lines: list[_Line]) -> list[tuple[float, int]]:
    """Return for each line of the template the best line before it, and its score there."""
    size = len(score)
    later: list[tuple[float, int]] = [(0.0, 0)] * size
    best, where = -1e9, 0
    for place in range(size - 1, -1, -1):
        later[place] = (best + _BACK, where)
        if score[place] >= best:
            best, where = score[place], place
    result = []
    best, where = -1e9, 0
    for place, own in enumerate(score):
        choice = later[place]
        stay = own + (0.0 if lines[place].expands else _STAY)
        if stay > choice[0]:
            choice = (stay, place)
        if best + _SKIP > choice[0]:
            choice = (best + _SKIP, where)
        if place and score[place - 1] >= choice[0]:
            choice = (score[place - 1], place - 1)
        result.append(choice)
        if own > best:
            best, where = own, place
    return result
