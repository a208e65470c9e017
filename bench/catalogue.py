"""What can be measured: each benchmark is one function, registered under its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from conformance.common.errors import HarnessError

if TYPE_CHECKING:
    from bench.lab import Lab

Samples = Mapping[str, list[float]]
"""What one round observed: name of the measure -> one value or several."""
Function = Callable[["Lab"], Samples]


@dataclass(frozen=True)
class Measure:
    """A number that a benchmark reports; without a target it is there to explain another one."""

    name: str
    unit: str = "s"
    target: float | None = None
    """At most this much, in ``unit``, on 2 cores with a warm cache."""
    judged: Literal["median", "p95"] = "median"
    """Which of the summary's values the target is for."""


@dataclass(frozen=True)
class Benchmark:
    """A registered benchmark; ``title`` is the first line of the function's docstring."""

    name: str
    title: str
    run: Function
    measures: tuple[Measure, ...]
    needs_cluster: bool = True
    """Whether it needs root, and the parts that a cluster is made of."""
    by_default: bool = True
    """Whether it is run unless others are named."""

    def measure(self, name: str) -> Measure:
        """Return what is known of a measure; one that was not declared is in seconds."""
        return next((one for one in self.measures if one.name == name), Measure(name))


BENCHMARKS: dict[str, Benchmark] = {}


def benchmark(
    name: str, *measures: Measure, needs_cluster: bool = True, by_default: bool = True
) -> Callable[[Function], Function]:
    """Register the decorated function. Raises ValueError where the name is taken."""

    def register(function: Function) -> Function:
        if name in BENCHMARKS:
            raise ValueError(f"there are two benchmarks called {name}")
        title = (function.__doc__ or name).strip().splitlines()[0].rstrip(".")
        BENCHMARKS[name] = Benchmark(name, title, function, measures, needs_cluster, by_default)
        return function

    return register


def select(names: Iterable[str]) -> list[Benchmark]:
    """Return the benchmarks of these names, or those that are run by default.

    HarnessError for a name there is not.
    """
    wanted = list(names)
    for name in wanted:
        if name not in BENCHMARKS:
            raise HarnessError(
                f"there is no benchmark {name!r}", f"choose from {', '.join(BENCHMARKS)}"
            )
    chosen = BENCHMARKS.values()
    return [one for one in chosen if (one.name in wanted if wanted else one.by_default)]
