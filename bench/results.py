"""What was measured: shown as a table, kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.catalogue import Benchmark, Measure, Samples
from bench.machine import BUSY_SHARE, Machine
from bench.summary import Summary, summarise


@dataclass
class Result:
    """All rounds of one benchmark so far."""

    benchmark: Benchmark
    samples: dict[str, list[float]] = field(default_factory=dict)
    busy: list[float] = field(default_factory=list)
    """Before each round: share of the cores' time that others used."""
    errors: list[str] = field(default_factory=list)

    def add(self, samples: Samples) -> None:
        """Add what one round observed."""
        for name, values in samples.items():
            self.samples.setdefault(name, []).extend(values)

    def summaries(self) -> list[tuple[Measure, Summary]]:
        """Return each measure with its summary, in the order in which they were observed."""
        return [
            (self.benchmark.measure(name), summarise(values))
            for name, values in self.samples.items()
        ]


@dataclass
class Results:
    """One run of benchmarks."""

    machine: Machine
    rounds: int
    results: Sequence[Result]
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    complete: bool = False
    """False where the run was interrupted."""

    def warnings(self) -> list[str]:
        """Return why the numbers are not to be trusted; nothing when they are."""
        measured = [busy for result in self.results for busy in result.busy]
        disturbed = sum(busy > BUSY_SHARE for busy in measured)
        found = self.machine.warnings()
        if disturbed:
            found.append(f"{disturbed} of {len(measured)} rounds began on a busy machine")
        return found


def met(measure: Measure, summary: Summary) -> bool | None:
    """Whether the target is reached; None where there is none, or too few samples to say."""
    value = summary.median if measure.judged == "median" else summary.p95
    return None if measure.target is None or value is None else value <= measure.target


def table(results: Results) -> Table:
    """Return the table for people."""
    shown = Table(title=None, header_style="bold", pad_edge=False)
    for heading in ("benchmark", "measure"):
        shown.add_column(heading, no_wrap=True)
    for heading in ("min", "median", "p95", "max", "unit", "target", "n"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for result in results.results:
        for measure, summary in result.summaries():
            shown.add_row(result.benchmark.name, measure.name, *_cells(measure, summary))
        shown.add_section()
    return shown


def _cells(measure: Measure, summary: Summary) -> list[str]:
    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.{2 if measure.unit == 's' else 0}f}"

    target = ""
    if measure.target is not None:
        which = "" if measure.judged == "median" else f"{measure.judged} "
        target = f"{which}<= {measure.target:g}"
        if (reached := met(measure, summary)) is not None:
            target += " [green]met[/]" if reached else " [bold red]missed[/]"
    values = (summary.minimum, summary.median, summary.p95, summary.maximum)
    return [*(number(value) for value in values), measure.unit, target, str(summary.count)]


def as_json(results: Results) -> dict[str, Any]:
    """Return everything, samples included, in types that JSON has."""
    return {
        "suite_version": metadata.version("stackspin-conformance"),
        "began": results.began.isoformat(timespec="seconds"),
        "rounds": results.rounds,
        "complete": results.complete,
        "machine": asdict(results.machine),
        "warnings": results.warnings(),
        "benchmarks": [
            {
                "name": result.benchmark.name,
                "title": result.benchmark.title,
                "busy_before_rounds": [round(value, 3) for value in result.busy],
                "errors": result.errors,
                "measures": [
                    {
                        **asdict(measure),
                        **asdict(summary),
                        "met": met(measure, summary),
                        "samples": [round(value, 4) for value in result.samples[measure.name]],
                    }
                    for measure, summary in result.summaries()
                ],
            }
            for result in results.results
        ],
    }


def write(results: Results, folder: Path) -> Path:
    """Write the JSON file, named after the time at which the run began; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{results.began:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(as_json(results), indent=1) + "\n", encoding="utf-8")
    return path
