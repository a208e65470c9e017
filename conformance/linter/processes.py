"""Work on many things at once, in processes that are copies of this one."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def spread(
    items: Sequence[Item], work: Callable[[Sequence[Item]], list[Made]], least: int
) -> list[Made]:
    """Return what ``work`` makes of each item, done by as many processes as there are processors.

    Each gets at least ``least`` items; with fewer, nothing is started. What ``work`` returns has to
    be something that pickle knows, its arguments need not be. What a process does not return, as
    it was killed, is done here.
    """
    number = min(_processors(), len(items) // least) if hasattr(os, "fork") else 1
    if number < 2:
        return work(items)
    parts = [items[start::number] for start in range(number)]
    started = [_start(part, work) for part in parts[1:]]
    try:
        made = [work(parts[0])]
        made += [
            _answer(pipe) or work(part) for (_, pipe), part in zip(started, parts[1:], strict=True)
        ]
    finally:
        for process, pipe in started:
            with suppress(OSError):
                os.close(pipe)
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
    return [made[place % number][place // number] for place in range(len(items))]


def _processors() -> int:
    with suppress(AttributeError, OSError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start(part: Sequence[Item], work: Callable[[Sequence[Item]], list[Made]]) -> tuple[int, int]:
    """Start a process that works on a part; return its id, and where its answer comes."""
    answer, sent = os.pipe()
    process = os.fork()
    if process:
        os.close(sent)
        return process, answer
    try:
        os.close(answer)
        with os.fdopen(sent, "wb") as pipe:
            pickle.dump(work(part), pipe)
    finally:
        os._exit(0)  # nothing of this process's own may be done a second time


def _answer(pipe: int) -> list[Made] | None:
    """Return what a process has made; None if it ended before it had."""
    with os.fdopen(os.dup(pipe), "rb") as answer:
        content = answer.read()
    try:
        made: list[Made] = pickle.loads(content)  # noqa: S301 - it is our own
    except (EOFError, pickle.UnpicklingError):
        return None
    return made
