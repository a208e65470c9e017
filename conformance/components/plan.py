"""What a run still has to obtain, and about how long that takes.

How long parts took elsewhere is in ``measured.json``. What this machine has built so far, compared
with that table, says how much faster or slower it is.
"""

from __future__ import annotations

import functools
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.components.catalogue import CATALOGUE
from conformance.components.kind_parts import KIND_PARTS
from conformance.components.parts import GoPart, Part
from conformance.components.ways import MADE, Ways

_TRUSTED = 200.0
"""Seconds of work for which the table itself counts, beside what was built here: small parts, built
while packages are installed and images pushed, say little of how long the large ones take."""


@dataclass(frozen=True)
class Outlook:
    """The place of one part among all that are to be obtained. Durations are in seconds."""

    number: int = 0
    """Which part it is, counted from 1; 0 where nobody counts."""
    total: int = 0
    elsewhere: float = 0.0
    """How long it took where it was measured; 0 if that is not known."""
    following: str = ""
    """The part that comes next."""
    here: float = 0.0
    """How long the part probably takes on this machine."""
    awaited: float = 0.0
    """How long what somebody waits for probably takes after it."""
    rest: float = 0.0
    """The same of all that the run is known to need."""


@dataclass(frozen=True)
class Obtained:
    """One part that this run obtained."""

    name: str
    how: str
    """built or pulled."""
    began: float
    """As ``time.monotonic`` says."""
    seconds: float


@functools.cache
def measured() -> Mapping[str, float]:
    """Return how many seconds each part took to build elsewhere."""
    file = Path(__file__).with_name("measured.json")
    table: dict[str, float] = json.loads(file.read_text())["seconds"]
    return table


class Plan:
    """What was obtained in this run, what is being obtained, and what is known to come.

    Safe for threads. ``is_present`` says whether a part is in the cache.
    """

    def __init__(self, ways: Ways, is_present: Callable[[str], bool]) -> None:
        self._ways = ways
        self._is_present = is_present
        self._begun: dict[str, float] = {}
        self._obtained: list[Obtained] = []
        self._there: dict[str, bool] = {}
        self._known = self._took = 0.0
        self._compiled = False
        self._foreseen: list[str] = []
        self._guard = threading.RLock()

    def foresee(self, names: Iterable[str]) -> None:
        """Say that these parts will be asked for, in this order."""
        with self._guard:
            self._foreseen += [name for name in names if name not in self._foreseen]

    def begin(self, wanted: Part, then: Sequence[str]) -> Outlook:
        """Say that a part is being obtained now; ``then`` are those that somebody waits for."""
        with self._guard:
            self._begun[wanted.name] = time.monotonic()
            self._there[wanted.name] = False
            return self.outlook(wanted, then)

    def end(self, wanted: Part, elapsed: float) -> None:
        """Say that a part was obtained in ``elapsed`` seconds."""
        with self._guard:
            self.found(wanted.name)
            how = "built" if self._is_made(wanted) else "pulled"
            began = time.monotonic() - elapsed
            self._obtained.append(Obtained(wanted.name, how, began, round(elapsed, 1)))
            if self._is_made(wanted):
                self._compiled = self._compiled or isinstance(wanted, GoPart)
                self._known += measured().get(wanted.name, 0.0)
                self._took += elapsed

    def found(self, name: str) -> None:
        """Say that a part is there, whoever obtained it."""
        with self._guard:
            self._there[name] = True

    def begun(self, name: str) -> float | None:
        """Return when this run began to obtain a part, as ``time.monotonic`` says."""
        with self._guard:
            return self._begun.get(name)

    def outlook(self, wanted: Part, then: Sequence[str]) -> Outlook:
        """Return the place of a part that is being obtained among all that are."""
        with self._guard:
            awaited = self._missing(then, wanted)
            coming = self._missing((*then, *self._foreseen), wanted)
            following = [one for one in coming if one.name not in self._begun]
            begun = list(self._begun)
            return Outlook(
                number=begun.index(wanted.name) + 1 if wanted.name in begun else 0,
                total=len(begun) + len(following),
                elsewhere=measured().get(wanted.name, 0.0) if self._is_made(wanted) else 0.0,
                following=following[0].name if following else "",
                here=self._expected(wanted),
                awaited=sum(map(self._left, awaited)),
                rest=sum(map(self._left, coming)),
            )

    def obtained(self) -> list[Obtained]:
        """Return what was obtained in this run, in the order in which that ended."""
        with self._guard:
            return list(self._obtained)

    def compiled_the_last(self) -> bool:
        """Return whether this run compiled a Go part, and none is left to compile.

        What only kind needs does not count: most machines never make it.
        """
        with self._guard:
            return self._compiled and not self.left_to_compile()

    def left_to_compile(self) -> list[str]:
        """Return the Go parts that are not there, but not those of kind, nor inputs of what is."""
        names = [
            one.name
            for one in CATALOGUE.values()
            if one not in KIND_PARTS and f"image-{one.name}" not in CATALOGUE
        ]
        missing = self._ways.closure(names, self._is_missing, self._ways.foreseen)
        return [one.name for one in missing if isinstance(one, GoPart) and self._is_made(one)]

    def _missing(self, names: Iterable[str], without: Part) -> list[Part]:
        missing = self._ways.closure(names, self._is_missing, self._ways.foreseen)
        return [one for one in missing if one.name != without.name]

    def _is_missing(self, name: str) -> bool:
        """Look into the cache once for each part: that takes milliseconds, and there are many."""
        if name not in self._there:
            self._there[name] = self._is_present(name)
        return not self._there[name]

    def _left(self, wanted: Part) -> float:
        begun = self._begun.get(wanted.name)
        elapsed = 0.0 if begun is None else time.monotonic() - begun
        return max(self._expected(wanted) - elapsed, 0.0)

    def _expected(self, wanted: Part) -> float:
        if not self._is_made(wanted):
            return 0.0
        pace = (self._took + _TRUSTED) / (self._known + _TRUSTED)
        return pace * measured().get(wanted.name, 0.0)

    def _is_made(self, wanted: Part) -> bool:
        return self._ways.foreseen(wanted).how == MADE
