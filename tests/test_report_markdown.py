"""``report compare``, as it is run and as it reads."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from report_samples import a_check, a_report

from conformance.cli.report import main
from conformance.common.errors import HarnessError
from conformance.report.verdict import Verdict
from conformance.report.write import to_json

START = datetime(2026, 11, 1, 21, 0, tzinfo=UTC)


def a_night(reports: Path, number: int, *verdicts: Verdict, **more: object) -> Path:
    """Write the report of a night; return its folder."""
    checks = [a_check("x", at, verdict) for at, verdict in enumerate(verdicts)]
    started = START + timedelta(days=number)
    values = {"run_id": f"night{number}", "started_at": started, **more}
    folder = reports / f"{started:%Y%m%dT%H%M%SZ}-night{number}"
    folder.mkdir()
    (folder / "report.json").write_text(to_json(a_report({"x": checks}, **values)))
    return folder


def test_what_newly_fails_is_named_with_its_reason_and_since_when(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_night(tmp_path, 1, Verdict.PASS, Verdict.FAIL)
    old = a_night(tmp_path, 2, Verdict.NOT_RUN, Verdict.NOT_RUN, suite_commit="aaaaaaaaaaaa")
    new = a_night(tmp_path, 3, Verdict.FAIL, Verdict.FAIL, suite_commit="bbbbbbbbbbbb")
    assert main(["compare", str(old), str(new / "report.json")]) == 1
    text = capsys.readouterr().out
    assert "## Stackspin conformance: fail" in text
    assert (
        "### Newly failing: 1\n\n- `x.promise_0`: reason of 0 (fails since run night3 of "
        "2026-11-04, passed last in run night1 of 2026-11-02)" in text
    )
    still = "- `x.promise_1`: reason of 1 (fails at least since run night1"
    assert f"### Still failing: 1\n\n{still}" in text
    assert "- suite commit: aaaaaaaaaaaa → bbbbbbbbbbbb" in text


def test_status_is_0_if_nothing_newly_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = a_night(tmp_path, 1, Verdict.FAIL)
    new = a_night(tmp_path, 2, Verdict.FAIL)
    mended = a_night(tmp_path, 3, Verdict.PASS)
    assert main(["compare", str(old), str(new)]) == 0
    assert main(["compare", str(new), str(mended), "--format", "json"]) == 0
    shown = capsys.readouterr().out.partition("\n{")[2]
    assert [one["id"] for one in json.loads("{" + shown)["fixed"]] == ["x.promise_0"]


def test_an_error_outside_the_checks_is_worse_than_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = a_night(tmp_path, 1, Verdict.PASS)
    new = a_night(tmp_path, 2, Verdict.PASS, errors=["the node died\nlog"])
    assert main(["compare", str(old), str(new)]) == 1
    assert "### Errors outside the checks: 1\n\n- the node died\n" in capsys.readouterr().out


def test_the_history_may_be_somewhere_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (kept := tmp_path / "kept").mkdir()
    (here := tmp_path / "here").mkdir()
    a_night(kept, 1, Verdict.FAIL)
    old, new = a_night(here, 2, Verdict.NOT_RUN), a_night(here, 3, Verdict.FAIL)
    assert main(["compare", str(old), str(new)]) == 1
    assert main(["compare", str(old), str(new), "--history", str(kept)]) == 0
    assert "### Still failing: 1" in capsys.readouterr().out


def test_each_of_many_changes_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = a_night(tmp_path, 1, *[Verdict.PASS] * 80)
    new = a_night(tmp_path, 2, *[Verdict.FAIL] * 80)
    main(["compare", str(old), str(new)])
    text = capsys.readouterr().out
    assert all(f"`x.promise_{number}`" in text for number in range(80))
    assert "<summary>30 more</summary>" in text


def test_a_reason_cannot_write_markdown_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "\x1b[31m<img src=x> [a](http://b) `code` | **bold**"
    old = a_night(tmp_path, 1, Verdict.PASS)
    new = a_night(tmp_path, 2, Verdict.PASS, errors=[hostile])
    main(["compare", str(old), str(new)])
    line = r"- &lt;img src=x&gt; \[a\](http://b) \`code\` \| \*\*bold\*\*"
    assert line in capsys.readouterr().out.splitlines()


def test_what_was_not_tested_the_same_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = a_night(tmp_path, 1, Verdict.PASS, selection=["conformance/capabilities"])
    new = a_night(tmp_path, 2, Verdict.PASS, selection=["conformance/capabilities", "-m core"])
    main(["compare", str(old), str(new)])
    assert "They did not test the same: embedded, conformance/capabilities before" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("{", "bad.json is not a report: the file: Invalid JSON"),
        ("[]", "bad.json is not a report: the file: Input should be an object"),
        (
            '{"schemaVersion": "2", "suiteVersion": "0.0.1"}',
            "version 2, and this .* reads 3\n.*0.0.1",
        ),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    good = a_night(tmp_path, 1, Verdict.PASS)
    bad = tmp_path / "bad.json"
    if text is not None:
        bad.write_text(text)
    with pytest.raises(HarnessError, match=said):
        main(["compare", str(good), str(bad)])


def test_runs_without_a_check_in_common_are_refused(tmp_path: Path) -> None:
    old, new = a_night(tmp_path, 1, Verdict.PASS), a_night(tmp_path, 2, Verdict.PASS)
    text = (new / "report.json").read_text()
    (new / "report.json").write_text(text.replace("x.promise_", "x.oath_"))
    with pytest.raises(HarnessError, match=r"night1 and .*night2 have no check in common"):
        main(["compare", str(old), str(new)])


def test_a_folder_that_is_not_there_has_no_history(tmp_path: Path) -> None:
    old, new = a_night(tmp_path, 1, Verdict.PASS), a_night(tmp_path, 2, Verdict.PASS)
    with pytest.raises(HarnessError, match="there is no folder nowhere"):
        main(["compare", str(old), str(new), "--history", "nowhere"])


def test_who_gives_the_later_run_first_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier, later = a_night(tmp_path, 1, Verdict.PASS), a_night(tmp_path, 2, Verdict.PASS)
    main(["compare", str(earlier), str(later)])
    assert capsys.readouterr().err == ""
    main(["compare", str(later), str(earlier)])
    assert capsys.readouterr().err.startswith(f"{later} is the later run: ")


def test_two_full_runs_are_compared_in_a_second(tmp_path: Path) -> None:
    first = a_night(tmp_path, 0, *[Verdict.PASS] * 300)
    text = (first / "report.json").read_text()
    for number in range(1, 32):
        started = START + timedelta(days=number)
        folder = tmp_path / f"{started:%Y%m%dT%H%M%SZ}-night{number}"
        folder.mkdir()
        (folder / "report.json").write_text(
            text.replace("night0", f"night{number}").replace(
                f"{START:%Y-%m-%dT}", f"{started:%Y-%m-%dT}"
            )
        )
    old, new = sorted(tmp_path.iterdir())[-2:]
    began = time.process_time()
    assert main(["compare", str(old), str(new)]) == 0
    assert time.process_time() - began <= 1


def test_text_of_a_report_cannot_write_markdown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "x.``a` **b** \x1b[2J\u202e\n# c"
    runs = {"before": Verdict.PASS, "after": Verdict.FAIL}
    for day, (name, verdict) in enumerate(runs.items()):
        check = a_check("x", 0, verdict).model_copy(update={"id": hostile, "reason": "\u202e"})
        started = START + timedelta(days=day)
        report = a_report({"x": [check]}, run_id=f"{name}`", started_at=started)
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(to_json(report))
    assert main(["compare", *(str(tmp_path / name) for name in runs)]) == 1
    text = capsys.readouterr().out
    assert "Run `` after` `` of" in text
    assert "- ``` x.``a` **b** \\x1b[2J\\u202e\\x0a# c ```: \\\\u202e (fails since" in text
    assert text.replace("\n", "").isprintable()
