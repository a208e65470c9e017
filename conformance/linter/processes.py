"""Work on things as they come, in processes that are copies of this one."""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass(frozen=True)
class _Copy(Generic[Item]):
    """A process that works on a part."""

    process: int
    pipe: int
    """Where what it makes comes from."""
    part: Sequence[Item]


class Spread(Generic[Item, Made]):
    """Has each part of what it is given worked on beside whoever brings the next.

    As many processes work as there are processors: copies of this one, and this one itself when
    all the others are busy. Nothing but what is worked on just now is held on to. To be used as a
    context manager, which leaves no process behind.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Made], size: int) -> None:
        """``work`` is given ``size`` items at a time; the first by itself, and in this process.

        So what it loads once is there for all copies. What it returns has to be something that
        pickle knows; its items need not be. What a process does not return, as it was killed, is
        done here.
        """
        self._work = work
        self._size = size
        self._part: list[Item] = []
        self._copies: dict[int, _Copy[Item]] = {}
        self.made: dict[int, Made] = {}
        """What has been made of each part so far: number of the part, in their order -> that."""
        self._begun = 0

    def __enter__(self) -> Spread[Item, Made]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes, whether they have done their part or not."""
        for copy in self._copies.values():
            _end(copy)
        self._copies.clear()

    def add(self, item: Item) -> None:
        """Have an item worked on, soon."""
        self._part.append(item)
        if len(self._part) < self._size and self._begun:
            return
        for number in [one for one, copy in self._copies.items() if _has_said(copy.pipe)]:
            self._collect(number)
        part, self._part = self._part, []
        number, self._begun = self._begun, self._begun + 1
        copy = _copy(part, self._work) if number and self._has_room() else None
        if copy is None:
            self.made[number] = self._work(part)
        else:
            self._copies[number] = copy

    def all_made(self) -> list[Made]:
        """Return what was made of each part, in their order, when all is done."""
        if self._part:
            self.made[self._begun] = self._work(self._part)
        for number in list(self._copies):
            self._collect(number)
        return [self.made[number] for number in sorted(self.made)]

    def _has_room(self) -> bool:
        return hasattr(os, "fork") and len(self._copies) < processors() - 1

    def _collect(self, number: int) -> None:
        copy = self._copies[number]
        try:
            with os.fdopen(os.dup(copy.pipe), "rb") as answer:
                made: Made = pickle.load(answer)  # noqa: S301 - it is our own
        except (EOFError, pickle.UnpicklingError):
            made = self._work(copy.part)
        self.made[number] = made
        _end(self._copies.pop(number))


def processors() -> int:
    """Return how many processors this process may use."""
    with suppress(AttributeError, OSError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _copy(part: Sequence[Item], work: Callable[[Sequence[Item]], Made]) -> _Copy[Item] | None:
    """Start a process that works on a part; None where there can be none."""
    answer, sent = os.pipe()
    try:
        process = os.fork()
    except OSError:
        os.close(answer)
        os.close(sent)
        return None
    if process:
        os.close(sent)
        return _Copy(process, answer, part)
    try:
        gc.freeze()  # to look through what both have would make a copy of it
        os.close(answer)
        with os.fdopen(sent, "wb") as pipe:
            pickle.dump(work(part), pipe)
    finally:
        os._exit(0)  # nothing of this process's own may be done a second time


def _has_said(pipe: int) -> bool:
    """Return whether a process has begun to tell what it has made, or has ended."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    return bool(poll.poll(0))


def _end(copy: _Copy[Item]) -> None:
    with suppress(OSError):
        os.close(copy.pipe)
    with suppress(ProcessLookupError, ChildProcessError):  # where SIGCHLD is ignored
        os.kill(copy.process, signal.SIGKILL)
        os.waitpid(copy.process, 0)
