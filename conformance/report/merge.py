"""One report of several: of shards of one run, of several providers, platforms or machines."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from conformance.common.errors import HarnessError
from conformance.report.history.facts import Key
from conformance.report.model import MergedRun, RunReport
from conformance.report.recorder import tried
from conformance.report.results import CheckResult, repeated, summarise
from conformance.report.verdict import Verdict
from conformance.report.write import write_views

_T = TypeVar("_T")
_SHARD = "--shard "
_TELLS_MORE = [
    Verdict.NOT_RUN,
    Verdict.NOT_APPLICABLE,
    Verdict.WAIVED,
    Verdict.PASS,
    Verdict.FAIL,
]
_NOT_SELECTED = "not selected on the command line"


@dataclass(frozen=True)
class _Place:
    """Runs of which no check ran in two: shards of one run."""

    reports: list[RunReport]

    @property
    def ran(self) -> set[Key]:
        return {
            (check.id, check.run) for one in self.reports for check in one.checks if _ran(check)
        }

    @property
    def example(self) -> RunReport:
        """One that says where they ran: a shard may have checks that need no cluster, and none."""
        return next((one for one in self.reports if one.cluster), self.reports[0])

    def takes(self, report: RunReport) -> bool:
        both = self.example.cluster and report.cluster
        same = not both or _about(self.example) == _about(report)
        return same and not self.ran & _Place([report]).ran


def merge(given: Sequence[tuple[Path, RunReport]], output: Path) -> RunReport:
    """Write the merged report, with all evidence, into the folder ``output``; return it.

    Raises:
        HarnessError: the reports cannot be merged, or ``output`` has a report already.
        OSError: a file cannot be written.
    """
    reports = [report for _, report in given]
    _refuse_what_cannot_be_merged(given, output)
    places = _places(reports)
    labels = dict(zip(map(id, places), _labels(places), strict=True))
    whose = {one.run_id: labels[id(place)] for place in places for one in place.reports}
    output.mkdir(parents=True, exist_ok=True)
    for file, report in given:
        _take_evidence(file.parent, report, output)
        _count_from(min(one.started_at for one in reports), report)
    merged = _merged(reports, whose)
    checks = [check for place in places for check in _checks(place, labels[id(place)])]
    # Not the places one after the other: what a check did in each is read side by side.
    order = {key: at for at, key in enumerate(dict.fromkeys((c.id, c.parameters) for c in checks))}
    checks.sort(key=lambda check: order[check.id, check.parameters])
    capabilities: dict[str, list[CheckResult]] = {}
    for check in checks:
        capabilities.setdefault(check.id.partition(".")[0], []).append(check)
    merged.capabilities = [summarise(*entry) for entry in capabilities.items()]
    merged.repeated = repeated(checks)
    if merged.platform:
        merged.platform.features.tried = tried(merged.checks)
    write_views(merged, output)
    return merged


def _refuse_what_cannot_be_merged(given: Sequence[tuple[Path, RunReport]], output: Path) -> None:
    reports = [report for _, report in given]
    if len(reports) < 2:
        raise HarnessError("there is one report only", "give two or more")
    files: dict[str, Path] = {}
    for file, report in given:
        if (other := files.setdefault(report.run_id, file)) is not file:
            raise HarnessError(
                f"run {report.run_id} is given twice: {other}, {file}", "give each run once"
            )
    if len({report.mode for report in reports}) > 1:
        raise HarnessError("runs on twins and runs of checks are given", "merge either of them")
    if unended := [report.run_id for report in reports if report.state == "running"]:
        raise HarnessError(
            f"run {unended[0]} goes on, or was killed", "wait for its end, or leave it out"
        )
    if (output / "report.json").exists():
        raise HarnessError(f"{output} has a report already", "give another: --output DIR")


def _places(reports: Iterable[RunReport]) -> list[_Place]:
    places: list[_Place] = []
    for report in reports:
        fitting = next((place for place in places if place.takes(report)), None)
        if fitting:
            fitting.reports.append(report)
        else:
            places.append(_Place([report]))
    return places


def _about(report: RunReport) -> tuple[str, ...]:
    """Return what tells places apart, the best first."""
    cluster, platform = report.cluster, report.platform
    return (
        cluster.provider if cluster else "no cluster",
        platform.name if platform and not platform.is_reference else "reference platform",
        f"Kubernetes {cluster.kubernetes}" if cluster else "",
        cluster.name if cluster and cluster.provider == "existing" else "",
    )


def _labels(places: Sequence[_Place]) -> list[str]:
    """Return the shortest labels by which places differ; none for a single one."""
    if len(places) == 1:
        return [""]
    hosts = [place.example.host for place in places]
    facts = [
        (*_about(place.example), f"{host.system}, {host.cpus} CPUs", f"Linux {host.kernel}")
        for place, host in zip(places, hosts, strict=True)
    ]
    varying = [at for at, values in enumerate(zip(*facts, strict=True)) if len(set(values)) > 1]
    for size in range(1, len(varying) + 1):
        for chosen in itertools.combinations(varying, size):
            labels = [", ".join(fact[at] for at in chosen) for fact in facts]
            if len(set(labels)) == len(labels):
                return labels
    return [f"run {place.reports[0].run_id}" for place in places]


def _checks(place: _Place, label: str) -> list[CheckResult]:
    """Return each check of a place once: from the run in which it ran."""
    best: dict[str, CheckResult] = {}
    for check in (check for report in place.reports for check in report.checks):
        other = best.get(check.node_id)
        if other is None or _telling(check) > _telling(other):
            best[check.node_id] = check
    repeated = {(check.id, check.parameters) for check in best.values() if check.repetition}
    return [
        check.model_copy(update={"where": label})
        for check in best.values()
        # Where a shard repeated it, that another one left it out says nothing.
        if check.repetition or (check.id, check.parameters) not in repeated
    ]


def _telling(check: CheckResult) -> tuple[int, bool]:
    return _TELLS_MORE.index(check.verdict), check.reason != _NOT_SELECTED


def _ran(check: CheckResult) -> bool:
    return check.verdict in (Verdict.PASS, Verdict.FAIL)


def _take_evidence(source: Path, report: RunReport, output: Path) -> None:
    """Copy a run's evidence below its id, and name it so: two runs have files of the same name.

    Raises:
        HarnessError: a file that the report names is not there, or not in its folder.
    """
    for evidence in (item for check in report.checks for item in check.evidence):
        old = source / evidence.path
        within = old.resolve().is_relative_to(source.resolve() / "evidence")
        if not (within and old.is_file()):
            raise HarnessError(
                f"there is no file {evidence.path} of run {report.run_id} in {source}",
                "give the report with its whole folder",
            )
        parts = Path(evidence.path).parts[1:]
        evidence.path = Path("evidence", report.run_id, *parts).as_posix()
        new = output / evidence.path
        new.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(old, new)


def _count_from(start: datetime, report: RunReport) -> None:
    """Have the times of a run's checks count from the moment at which the merged run began."""
    later = (report.started_at - start).total_seconds()
    for check in report.checks:
        if check.began is not None:
            check.began = round(check.began + later, 3)
        for awaited in check.waited_for:
            awaited.began = round(awaited.began + later, 3)


def _merged(reports: Sequence[RunReport], whose: dict[str, str]) -> RunReport:
    first = min(reports, key=lambda report: report.started_at)
    ends = [report.started_at + timedelta(seconds=report.seconds) for report in reports]
    several = len(set(whose.values())) > 1
    return RunReport(
        suite_version=_same([report.suite_version for report in reports]) or first.suite_version,
        suite_commit=_same([report.suite_commit for report in reports]) or "",
        run_id="+".join(report.run_id for report in reports),
        mode=first.mode,
        state="complete" if all(one.state == "complete" for one in reports) else "interrupted",
        checks_selected=sum(report.checks_selected for report in reports),
        checks_done=sum(report.checks_done for report in reports),
        started_at=first.started_at,
        written_at=max(report.written_at for report in reports),
        seconds=round((max(ends) - first.started_at).total_seconds(), 1),
        command=_same([report.command for report in reports]) or [],
        selection=_selection(reports),
        host=first.host,
        cluster=None if several else next((one.cluster for one in reports if one.cluster), None),
        platform=_same([report.platform for report in reports]),
        settings={
            name: _same([report.settings.get(name) for report in reports])
            for name in first.settings
        },
        components=_all(part for report in reports for part in report.components),
        substitutes=_all(part for report in reports for part in report.substitutes),
        building_seconds=round(sum(report.building_seconds for report in reports), 1),
        not_installed={k: v for report in reports for k, v in report.not_installed.items()},
        errors=[f"run {one.run_id}: {error}" for one in reports for error in one.errors],
        merged_from=[_source(report, whose[report.run_id]) for report in reports],
    )


def _source(report: RunReport, where: str) -> MergedRun:
    cluster, platform = report.cluster, report.platform
    return MergedRun(
        run_id=report.run_id,
        where=where,
        started_at=report.started_at,
        seconds=report.seconds,
        suite_commit=report.suite_commit,
        provider=cluster.provider if cluster else "",
        kubernetes=cluster.kubernetes if cluster else "",
        platform=platform.name if platform and not platform.is_reference else "",
        host=report.host,
    )


def _selection(reports: Sequence[RunReport]) -> list[str]:
    """Return what was selected in all runs together; which shard each was is told by its checks."""
    each = [[one for one in report.selection if not one.startswith(_SHARD)] for report in reports]
    return _same(each) or _all(itertools.chain.from_iterable(each))


def _same(values: Sequence[_T]) -> _T | None:
    return values[0] if all(value == values[0] for value in values) else None


def _all(values: Iterable[_T]) -> list[_T]:
    """Return each value once, in order; they need not be hashable."""
    found: list[_T] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
