"""Whether a report that somebody has handed in is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from conformance.common.given_files import parse_json, parse_yaml, read_text
from conformance.report.conformance_report import (
    FILE,
    ConformanceReport,
    conformance_report,
    to_yaml,
)
from conformance.report.given import refuse_other_versions, text_of
from conformance.report.model import RunReport
from conformance.report.results import Evidence, summarise
from conformance.report.write import validator

_MOST = 20
"""Problems of one kind that are named; a report with more is another file altogether."""


@dataclass(frozen=True)
class Verified:
    """What was found: what is wrong, and how much was looked at."""

    problems: list[str]
    said: str


def verify_file(path: Path) -> Verified:
    """Look at a report.json with its folder, or at a conformance-report.yaml.

    Raises:
        HarnessError: the file cannot be read, or not by this version of the suite.
    """
    file, text = text_of(path, f"give a report.json, its folder, or a {FILE}")
    if file.suffix in (".yaml", ".yml"):
        return _verify_page(text)
    return _verify_report(file, text)


def _verify_page(text: str) -> Verified:
    try:
        page = ConformanceReport.model_validate(parse_yaml(text))
    except ValidationError as error:
        return Verified([*_each(error)], "")
    except ValueError as error:
        return Verified([f"not valid YAML: {error}"], "")
    found = []
    for capability in page.capabilities:
        for status in filter(None, (capability.core, capability.extended)):
            lists = (len(status.failed_checks), len(status.skipped_checks))
            if lists != (status.statistics.failed, status.statistics.skipped):
                found.append(f"the numbers of {capability.name} are not those of its lists")
    return Verified(found, f"{len(page.capabilities)} capabilities, {page.result.value}")


def _verify_report(file: Path, text: str) -> Verified:
    try:
        document = parse_json(text)
    except ValueError as error:
        return Verified([f"not valid JSON: {error}"], "")
    refuse_other_versions(file, document)
    broken = [
        f"{'.'.join(map(str, error.absolute_path)) or 'the report'}: {error.message[:200]}"
        for _, error in zip(range(_MOST), validator().iter_errors(document), strict=False)
    ]
    if broken:
        return Verified(broken, "")
    try:
        report = RunReport.model_validate_json(text)
    except ValidationError as error:
        return Verified([*_each(error)], "")
    folder = file.parent
    problems = [*_sums(report, document), *_evidence(report, folder), *_page(report, folder)]
    files = sum(len(check.evidence) for check in report.checks)
    return Verified(problems, f"{len(report.checks)} checks, {files} files of evidence")


def _each(error: ValidationError) -> Iterator[str]:
    for one in error.errors(include_url=False)[:_MOST]:
        yield f"{'.'.join(map(str, one['loc'])) or 'the report'}: {one['msg']}"


def _sums(report: RunReport, document: dict[str, Any]) -> Iterator[str]:
    """Look for what the report says twice, and not the same."""
    if report.state != "complete":
        yield f"the run did not come to its end: its state is {report.state}"
    elif report.checks_done != report.checks_selected:
        yield f"{report.checks_done} of {report.checks_selected} checks have ended"
    if document["verdict"] != report.verdict.value:
        yield f"its verdict is {document['verdict']}, and its checks say {report.verdict.value}"
    seen = set()
    for capability in report.capabilities:
        counted = summarise(capability.id, capability.checks)
        if counted.verdict is not capability.verdict:
            said = f"{capability.verdict.value}, and its checks say {counted.verdict.value}"
            yield f"the verdict of {capability.id} is {said}"
        if (counted.core, counted.extended) != (capability.core, capability.extended):
            yield f"the numbers of {capability.id} are not those of its checks"
        for check in capability.checks:
            if check.id.partition(".")[0] != capability.id:
                yield f"{check.id} is not a check of {capability.id}"
            if (check.id, check.run) in seen:
                yield f"{check.id} is there twice{f' on {check.run}' if check.run else ''}"
            seen.add((check.id, check.run))


def _evidence(report: RunReport, folder: Path) -> Iterator[str]:
    if (folder / "evidence").is_symlink():
        yield "evidence: is a link"
        return
    named = set()
    for item in (item for check in report.checks for item in check.evidence):
        named.add(item.path)
        if problem := _wrong_with(item, folder):
            yield f"{item.path}: {problem}"
    there = (folder / "evidence").rglob("*")
    found = {one.relative_to(folder).as_posix() for one in there if _is_file(one)}
    for path in sorted(found - named)[:_MOST]:
        yield f"{path}: no check names it"


def _is_file(path: Path) -> bool:
    """Whether something is to be named by a check: it is no folder, or a link, even to a folder."""
    return path.is_symlink() or not path.is_dir()


def _wrong_with(item: Evidence, folder: Path) -> str:
    """Return what is wrong with a file of evidence; never read one outside the report's folder."""
    try:
        return _differs(item, folder)
    except (OSError, ValueError, RuntimeError):  # a long name, a null character, a circle of links
        return "cannot be read"


def _differs(item: Evidence, folder: Path) -> str:
    path = PurePosixPath(item.path)
    real = (folder / path).resolve()
    inside = path.parts[:1] == ("evidence",) and ".." not in path.parts
    if not inside or not real.is_relative_to((folder / "evidence").resolve()):
        return "is not in the folder evidence"
    if not real.is_file():
        return "is not there"
    if real.stat().st_size != item.bytes:
        return f"has {real.stat().st_size} bytes, and the report says {item.bytes}"
    with real.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return "" if digest == item.sha256 else "is not the file whose hash the report has"


def _page(report: RunReport, folder: Path) -> Iterator[str]:
    """Compare the page that is to be handed in with the report, if it is beside it."""
    page = folder / FILE
    try:
        handed_in = parse_yaml(read_text(page))
    except FileNotFoundError:
        return
    except OSError as error:
        yield f"{FILE}: cannot be read: {error.strerror}"
        return
    except ValueError as error:
        yield f"{FILE}: not valid YAML: {error}"
        return
    made = conformance_report(report)
    if made is None:
        yield f"{FILE}: such a run is not to be handed in"
    elif handed_in != parse_yaml(to_yaml(made)):
        yield f"{FILE}: does not say what the report says"
