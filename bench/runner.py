"""Takes the rounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bench.machine import busy_share
from conformance.common.errors import HarnessError
from conformance.kube.errors import ApiError

if TYPE_CHECKING:
    from bench.lab import Lab
    from bench.results import Results

GLANCE_SECONDS = 0.5
"""Before each measurement: how busy the machine is, while no cluster of ours is up."""


def run(
    results: Results,
    lab: Lab,
    say: Callable[[str], None],
    glance: Callable[[float], float] = busy_share,
) -> None:
    """Fill ``results``: each round runs every benchmark once, so that a disturbance hits all alike.

    A benchmark that fails is noted and left out of the rounds that follow. (A wait that fails is an
    AssertionError.)
    """
    for number in range(1, results.rounds + 1):
        for result in results.results:
            if result.errors:
                continue
            name = result.benchmark.name
            say(f"round {number} of {results.rounds}: {name}")
            result.busy.append(glance(GLANCE_SECONDS))
            try:
                result.add(result.benchmark.run(lab))
            except (HarnessError, AssertionError, ApiError) as error:
                result.errors.append(str(error))
                say(f"{name} failed: {error}")
    results.complete = True
