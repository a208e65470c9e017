"""What a run brought up and installed, as the page shows it: named, and linked with what waited."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace

from conformance.report.environment import Awaited, InstallationStep, ObtainedPart
from conformance.report.model import RunReport
from conformance.report.results import CheckResult


@dataclass(frozen=True)
class Wait:
    """For how long somebody waited for something."""

    title: str
    anchor: str
    """Of its line on the page; empty: it has none."""
    began: float
    seconds: float


@dataclass(frozen=True)
class Entry:
    """A step and its line on the page."""

    anchor: str
    title: str
    step: InstallationStep


class Installed:
    """The steps of a report and the parts that it obtained, by the names of what waited for them.

    A step's title says on which cluster it was, unless it was the one under test.
    """

    def __init__(self, report: RunReport) -> None:
        name = report.cluster.name if report.cluster else ""
        self.clusters = frozenset(name.split(", "))
        """The names of the clusters under test."""
        self.entries = [
            Entry(f"step-{number}", self._title(step.step, step.cluster), step)
            for number, step in enumerate(report.installation, 1)
        ]
        self.parts: Mapping[str, ObtainedPart] = {
            f"part-{number}": part for number, part in enumerate(report.obtained, 1)
        }

    def waits(self, waiter: CheckResult | InstallationStep) -> list[Wait]:
        """Return each wait with the name and the anchor of what was waited for."""
        return [
            Wait(
                self._title(one.step, one.cluster),
                self._anchor(one, {one.cluster, one.cluster or waiter.cluster}),
                one.began,
                one.seconds,
            )
            for one in waiter.waited_for
        ]

    def summed(self, waiter: CheckResult | InstallationStep) -> list[Wait]:
        """Return the same, with all waits for one thing as one, the longest first."""
        sums: dict[tuple[str, str], Wait] = {}
        for one in self.waits(waiter):
            before = sums.get((one.title, one.anchor), replace(one, seconds=0.0))
            together = before.seconds + one.seconds
            sums[one.title, one.anchor] = replace(before, seconds=together)
        return sorted(sums.values(), key=lambda wait: -wait.seconds)

    def _title(self, name: str, cluster: str) -> str:
        alone = not cluster or self.clusters == {cluster}
        return name if alone else f"{name} on {cluster}"

    def _anchor(self, awaited: Awaited, clusters: Container[str]) -> str:
        """Return the anchor of what was awaited: the last of this name that began until then."""
        until = awaited.began + awaited.seconds
        steps = [
            entry
            for entry in self.entries
            if entry.step.step == awaited.step
            and entry.step.cluster in clusters
            and entry.step.began <= until
        ]
        if steps:
            return steps[-1].anchor
        parts = [anchor for anchor, part in self.parts.items() if part.name == awaited.step]
        return parts[-1] if parts else ""
