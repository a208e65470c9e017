"""What a run's recorder writes, and when."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_samples import a_check, a_report

from conformance.common.redaction import Redactor
from conformance.report import recorder as recorders
from conformance.report.recorder import Recorder


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


def done_of(recorder: Recorder) -> tuple[int, int]:
    """Return how many checks are done by report.json, and by the page."""
    document = json.loads((recorder.folder / "report.json").read_text())
    page = (recorder.folder / "report.html").read_text()
    return document["checksDone"], next(n for n in range(10) if f"Running, {n} of " in page)


def test_the_page_is_written_every_ten_seconds_at_most_and_the_rest_after_each_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(recorders, "time", clock)
    recorder = Recorder(tmp_path, a_report({}, state="running"), Redactor())
    clock.now += 20  # until the checks are collected
    recorder.plan([a_check("auto_update", 1)], selected=5)
    assert done_of(recorder) == (0, 0)
    for later, by_the_page in ((1, 0), (8, 0), (2, 3), (9.9, 3)):
        clock.now += later
        recorder.done()
        assert done_of(recorder)[1] == by_the_page
    assert done_of(recorder) == (4, 3)
    recorder.finish(complete=False)
    assert "Running, " not in (recorder.folder / "report.html").read_text()
