"""The rules of reports/submitted/README.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import ValidationError

from conformance.report.conformance_report import ConformanceReport, Result, Status
from conformance.report.platform import Whose


def problems(folder: Path) -> list[str]:
    """Return what is wrong with the reports in a folder."""
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        where = path.relative_to(folder).as_posix()
        if path.is_dir() or where == "README.md":
            continue
        if path.name.endswith("-report.yaml"):
            found += [f"{where}: {problem}" for problem in _of_report(path, folder)]
        elif path.name != "README.md" or not list(path.parent.glob("*-report.yaml")):
            found.append(f"{where}: is neither a report nor beside one")
    return found


def _of_report(path: Path, folder: Path) -> Iterator[str]:
    try:
        report = ConformanceReport.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        yield str(error)
        return
    who = report.implementation
    name = f"{_slug(who.version)}-{report.cluster.provider}-report.yaml"
    version = report.suite_version.rpartition(".")[0]
    wanted = Path(version, _slug(f"{who.organization}-{who.project}"), name)
    if path.relative_to(folder) != wanted:
        yield f"its place is {wanted}"
    reached = who.url or who.contact or report.platform is Whose.REFERENCE
    if not all((who.organization, who.project, who.version, reached)):
        yield "implementation does not say who it is of"
    if not report.suite_commit or report.suite_commit.endswith("-dirty"):
        yield "it is not of a commit of the suite"
    where, *chosen = report.selection
    if not where.endswith("conformance/capabilities") or not all(map(_may_be_given, chosen)):
        yield f"its checks were chosen by hand: {' '.join(report.selection)}"
    if report.result is Result.FAILURE:
        yield "a check failed"
    for capability in report.capabilities:
        for status in filter(None, (capability.core, capability.extended)):
            if not _agree(status):
                yield f"the numbers of {capability.name} are not those of its lists"
    readme = path.with_name("README.md")
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    if f"({path.name})" not in text or "## Reproduce" not in text:
        yield "README.md beside it does not list it, or has no section Reproduce"


def _may_be_given(option: str) -> bool:
    return option == "--all" or option.startswith(("--allow ", "--dashboard-url "))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")


def _agree(status: Status) -> bool:
    counted = status.statistics
    lists = (len(status.failed_checks), len(status.skipped_checks))
    return lists == (counted.failed, counted.skipped)
