"""``report verify`` and ``report badge``."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from report_samples import a_check, a_platform, a_report

from conformance.cli.report import main
from conformance.common.errors import HarnessError
from conformance.common.given_files import LARGEST
from conformance.common.settings import PROJECT_ROOT
from conformance.common.visible import shown
from conformance.report.badge import to_badge
from conformance.report.conformance_report import FILE
from conformance.report.evidence import EvidenceBox
from conformance.report.level import Level
from conformance.report.verdict import Verdict
from conformance.report.verify import verify_file
from conformance.report.write import write_views


class Plain:
    def redact(self, text: str) -> str:
        return text


@pytest.fixture
def handed_in(tmp_path: Path) -> Path:
    """A report with evidence, and with the page that is to be handed in."""
    box = EvidenceBox(tmp_path, "x.promise_1", Plain())
    box.attach("seen.txt", "what was seen")
    checks = [a_check("x", 1, evidence=box.files()), a_check("x", 2)]
    values = {"suite_commit": "0caa44814c58", "selection": ["conformance/capabilities"]}
    ended = {"checks_selected": 2, "checks_done": 2}
    report = a_report({"x": checks}, platform=a_platform(), **values, **ended)
    write_views(report, tmp_path)
    return tmp_path


def test_the_published_example_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(PROJECT_ROOT / "reports" / "example")]) == 0
    assert ": whole: 210 checks, 195 files of evidence" in capsys.readouterr().out


def test_a_report_as_it_was_written_is_whole(handed_in: Path) -> None:
    assert verify_file(handed_in).problems == []
    assert verify_file(handed_in / FILE).problems == []


def first_check(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["capabilities"][0]["checks"][0]
    return found


def altered(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def alter(folder: Path) -> None:
        document = json.loads((folder / "report.json").read_text())
        change(document)
        (folder / "report.json").write_text(json.dumps(document))

    return alter


def outside(folder: Path) -> None:
    secret = folder.parent / "secret.txt"
    secret.write_text("what was seen")
    altered(lambda d: first_check(d)["evidence"][0].update(path="../secret.txt"))(folder)


def linked(folder: Path) -> None:
    kept = folder / "evidence/x.promise_1/seen.txt"
    kept.rename(folder.parent / "seen.txt")
    kept.symlink_to(folder.parent / "seen.txt")


def elsewhere(folder: Path) -> None:
    (folder / "evidence").rename(folder / "kept")
    (folder / "evidence").symlink_to("kept")


def circle(folder: Path) -> None:
    (folder / EVIDENCE).unlink()
    (folder / EVIDENCE).symlink_to("seen.txt")


def renamed(path: str) -> Callable[[Path], None]:
    return altered(lambda document: first_check(document)["evidence"][0].update(path=path))


def twice(document: dict[str, Any]) -> None:
    document["capabilities"][0]["checks"][1] = first_check(document)


def nested(levels: int) -> str:
    return '{"schemaVersion":"3","x":' + "[" * levels + "]" * levels + "}"


def folder_for_page(folder: Path) -> None:
    (folder / FILE).unlink()
    (folder / FILE).mkdir()


EVIDENCE = "evidence/x.promise_1/seen.txt"


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        (
            lambda f: (f / EVIDENCE).write_text("what was SEEN"),
            f"{EVIDENCE}: is not the file",
        ),
        (lambda f: (f / EVIDENCE).write_text("more than was seen"), f"{EVIDENCE}: has 18 bytes"),
        (lambda f: (f / EVIDENCE).unlink(), f"{EVIDENCE}: is not there"),
        (lambda f: (f / "evidence/more.txt").write_text("x"), "evidence/more.txt: no check names"),
        (outside, "../secret.txt: is not in the folder evidence"),
        (linked, f"{EVIDENCE}: is not in the folder evidence"),
        (lambda f: (f / "evidence/more").symlink_to("/etc"), "evidence/more: no check names it"),
        (elsewhere, "evidence: is a link"),
        (circle, f"{EVIDENCE}: cannot be read"),
        (renamed("evidence/" + "x" * 300), "xxx: cannot be read"),
        (renamed("evidence/\0"), "evidence/\\x00: cannot be read"),
        (altered(lambda d: d.update(verdict="partial")), "its verdict is partial, and its checks"),
        (altered(lambda d: d.update(state="interrupted")), "did not come to its end"),
        (altered(lambda d: d.update(checksDone=1)), "1 of 2 checks have ended"),
        (altered(lambda d: first_check(d).update(verdict="fail")), "the verdict of x is pass, and"),
        (altered(lambda d: first_check(d).update(id="y.z")), "y.z is not a check of x"),
        (altered(twice), "x.promise_1 is there twice"),
        (altered(lambda d: d["capabilities"][0]["core"].update(passed=3)), "the numbers of x are"),
        (altered(lambda d: d.update(more=1)), "Additional properties are not allowed"),
        (altered(lambda d: d.pop("runId")), "'runId' is a required property"),
        (altered(lambda d: d.update(runId="other")), f"{FILE}: does not say what the report says"),
        (lambda f: (f / "report.json").write_text("{"), "not valid JSON"),
        (lambda f: (f / "report.json").write_text(nested(2000)), "not valid JSON: it is nested"),
        (lambda f: (f / "report.json").write_text(nested(950)), "not valid JSON: it is nested"),
        (lambda f: (f / FILE).write_text("a: ["), f"{FILE}: not valid YAML: "),
        (lambda f: (f / FILE).write_bytes(b"\xff"), f"{FILE}: cannot be read: it is not UTF-8"),
        (lambda f: (f / FILE).write_text("date: 2026-13-45"), f"{FILE}: not valid YAML: month"),
        (folder_for_page, f"{FILE}: cannot be read: it is a folder"),
    ],
    ids=range(28),
)
def test_what_is_not_whole_is_named(
    handed_in: Path,
    alter: Callable[[Path], object],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    alter(handed_in)
    assert main(["verify", str(handed_in / "report.json")]) == 1
    *problems, to_do = capsys.readouterr().out.splitlines()
    assert said in "\n".join(problems)
    assert to_do.startswith("  To do: ")


def test_a_page_whose_numbers_are_not_those_of_its_lists_is_not_whole(handed_in: Path) -> None:
    page = handed_in / FILE
    page.write_text(page.read_text().replace("skipped: 0", "skipped: 1"))
    assert verify_file(page).problems == ["the numbers of x are not those of its lists"]
    page.write_text("a: 1")
    assert any("date: Field required" in one for one in verify_file(page).problems)


@pytest.mark.parametrize(
    "text",
    [
        "a: 2026-99-99",
        "a: 0b_",
        f"a: {'1' * 5000}",
        "[" * 600,
        "a: !!bool x",
        "a: !!timestamp x",
        "<<: {a: 1}",
        "a: " + "x" * 1024 * 1024,
    ],
    ids=range(8),
)
def test_a_page_that_is_not_valid_yaml_is_not_whole(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    (problem,) = verify_file(tmp_path / FILE).problems
    assert problem.startswith("not valid YAML: ")
    assert "\n" not in problem


def test_names_in_a_report_move_no_cursor(
    handed_in: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "a\x1b[2J\u202eb\n`<i>"
    (handed_in / f"evidence/{hostile}").touch()
    (handed_in / os.fsdecode(b"evidence/\xff")).touch()
    assert main(["verify", str(handed_in)]) == 1
    out = capsys.readouterr().out
    assert f"evidence/{shown(hostile)}: no check names it" in out
    assert "evidence/\\udcff: no check names it" in out


@pytest.mark.parametrize(
    "change",
    [
        {"schemaVersion": "2", "suiteVersion": "\x1b[2J\u202e\n"},
        {"schemaVersion": ["\x1b"] * 999},
    ],
)
def test_versions_in_a_report_move_no_cursor(handed_in: Path, change: dict[str, Any]) -> None:
    altered(lambda d: d.update(change))(handed_in)
    for command in ("verify", "badge"):
        with pytest.raises(HarnessError) as raised:
            main([command, str(handed_in)])
        first, second = str(raised.value).split("\n")
        assert (first + second).isprintable()
        assert len(first + second) < 1000


def test_what_cannot_be_read_is_another_error(tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(b"\x89PNG\xff")
    for name in ("none.json", "image.png"):
        with pytest.raises(HarnessError, match="cannot be read"):
            main(["verify", str(tmp_path / name)])


def test_a_report_by_another_schema_is_for_another_version_of_the_suite(handed_in: Path) -> None:
    altered(lambda d: d.update(schemaVersion="2", suiteVersion="0.0.1"))(handed_in)
    with pytest.raises(HarnessError, match=r"has schema version 2, .* reads 3\n.*: 0\.0\.1"):
        main(["verify", str(handed_in)])


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def large(path: Path) -> None:
    path.touch()
    os.truncate(path, LARGEST + 1)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (pipe, "it is not a regular file"),
        (endless, "it is not a regular file"),
        (large, f"it has more than {LARGEST} bytes"),
        (Path.mkdir, "No such file or directory"),
    ],
)
@pytest.mark.parametrize("command", ["verify", "badge"])
def test_what_is_no_file_of_a_report_is_not_read(
    command: str, make: Callable[[Path], None], why: str, tmp_path: Path
) -> None:
    make(tmp_path / "report.json")
    script = "from conformance.cli import main; main()"
    answer = subprocess.run(
        [sys.executable, "-c", script, "report", command, str(tmp_path / "report.json")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000,) * 2),
    )
    first, second = answer.stderr.splitlines()
    assert answer.returncode == 2
    assert first.endswith(f"cannot be read: {why}")
    assert second.startswith("  To do: give a report.json")


def test_a_badge_of_what_is_nested_too_deep_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(nested(2000))
    with pytest.raises(HarnessError, match="is not a report"):
        main(["badge", str(tmp_path)])


@pytest.mark.parametrize(
    ("verdicts", "more", "said"),
    [
        ((Verdict.PASS, Verdict.PASS), {}, "pass, core 1/1"),
        ((Verdict.NOT_RUN, Verdict.PASS), {}, "partial, core 0/1"),
        ((Verdict.PASS, Verdict.FAIL), {}, "1 failed"),
        ((Verdict.PASS, Verdict.PASS), {"platform": a_platform()}, "annex v2.7: pass, core 1/1"),
    ],
)
def test_a_badge_says_the_verdict_and_of_whose_platform(
    verdicts: tuple[Verdict, Verdict], more: dict[str, Any], said: str
) -> None:
    core, extended = verdicts
    checks = [a_check("x", 1, core), a_check("x", 2, extended, level=Level.EXTENDED)]
    image = ET.fromstring(to_badge(a_report({"x": checks}, **more)))  # noqa: S314
    texts = [one.text for one in image.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["Stackspin conformance", said]
    label = image.get("aria-label")
    assert label
    assert said in label


def test_a_badge_is_safe_whatever_the_platform_is_called() -> None:
    platform = a_platform()
    platform.implementation.project = "<script>alert(1)</script>"
    assert "<script" not in to_badge(a_report({"x": [a_check("x", 1)]}, platform=platform))
