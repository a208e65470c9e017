"""The course of this process: what it brought up and installed, when, and what waited for what.

Clusters, levels of the platform, images and apps are steps. Most go on in threads of their own, for
checks that use them later; a thread that waits for one says so. The report's timeline is made of
that. Times are those of ``time.monotonic``, which forked processes have in common.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["cluster", "part", "image", "platform", "app image", "app", "preparation"]
"""``image``: of the platform, pushed to a cluster's registry. ``app image``: of an app, built,
pushed or released. ``preparation``: what several checks share."""
Outcome = Literal["done", "failed", "unfinished"]

SHORTEST = 0.1
"""Seconds. Who waits for less does not wait, as far as a reader is concerned."""


@dataclass(frozen=True)
class Step:
    """Something that is brought up or installed."""

    kind: Kind
    name: str
    cluster: str = ""
    """On which cluster; empty: on none, or on the one under test."""


def start_of(cluster: str) -> Step:
    """Return the step that is the start of a cluster."""
    return Step("cluster", "cluster start", cluster)


@dataclass(frozen=True)
class Awaited:
    """That somebody waited for a step, and when."""

    step: Step
    began: float
    ended: float


@dataclass(frozen=True)
class Went:
    """How a step went."""

    step: Step
    began: float
    ended: float
    """If it is unfinished: now."""
    outcome: Outcome
    awaited: tuple[Awaited, ...] = ()
    """What it waited for itself; known when it has ended."""


class _Local(threading.local):
    def __init__(self) -> None:
        self.awaited: list[Awaited] = []


_thread = _Local()
_guard = threading.Lock()
_ended: list[Went] = []
_going_on: dict[object, tuple[Step, float]] = {}


@contextlib.contextmanager
def taking(step: Step) -> Iterator[None]:
    """Say that the body is a step; whoever calls waits for it."""
    outside, _thread.awaited = _thread.awaited, []
    began = time.monotonic()
    outcome: Outcome = "failed"
    token = object()
    with _guard:
        _going_on[token] = step, began
    try:
        yield
        outcome = "done"
    finally:
        ended = time.monotonic()
        went = Went(step, began, ended, outcome, tuple(_thread.awaited))
        with _guard:
            del _going_on[token]
            _ended.append(went)
        _thread.awaited = outside
        _wait_is_over(step, began, ended)


@contextlib.contextmanager
def waiting_for(step: Step | None) -> Iterator[None]:
    """Say that the calling thread waits for a step in the body; None: for what is no step."""
    began = time.monotonic()
    try:
        yield
    finally:
        if step is not None:
            _wait_is_over(step, began, time.monotonic())


def take_awaited() -> list[Awaited]:
    """Return what the calling thread has waited for since it asked last."""
    found, _thread.awaited = _thread.awaited, []
    return found


def since(moment: float) -> list[Went]:
    """Return all steps that began at a moment of ``time.monotonic`` or later, in this order."""
    with _guard:
        found = [*_ended]
        going_on = [*_going_on.values()]
    now = time.monotonic()
    found += [Went(step, began, now, "unfinished") for step, began in going_on]
    return sorted((went for went in found if went.began >= moment), key=lambda went: went.began)


@contextlib.contextmanager
def telling(say: Callable[[str], None], every: float = 20.0) -> Iterator[None]:
    """Say which steps of the body go on, each time that so many seconds are over."""
    began, over = time.monotonic(), threading.Event()

    def tell() -> None:
        while not over.wait(every):
            going_on = [one.step.name for one in since(began) if one.outcome == "unfinished"]
            if going_on:
                say(f"still {', '.join(going_on)}, {time.monotonic() - began:.0f} s")

    thread = threading.Thread(target=tell, name="telling", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _wait_is_over(step: Step, began: float, ended: float) -> None:
    if ended - began >= SHORTEST:
        _thread.awaited.append(Awaited(step, began, ended))
