"""How busy a machine was, by the files in which its kernel says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.common import load
from conformance.common.load import Load, LoadMeter
from conformance.report.evidence import EvidenceBox


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(load, "time", clock)
    return clock


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(load, "PROC", tmp_path)
    monkeypatch.setattr(load.os, "getloadavg", lambda: (4.98, 1.0, 1.0))
    (tmp_path / "pressure").mkdir()
    return tmp_path


def write(proc: Path, *, stat: str, waited: int | None = None) -> None:
    (proc / "stat").write_text(f"cpu  {stat}\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    if waited is not None:
        (proc / "pressure/cpu").write_text(
            f"some avg10=1.00 avg60=2.00 avg300=3.00 total={waited}\n"
            "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
        )


def test_pressure_is_the_share_of_the_time_that_was_measured(proc: Path, clock: Clock) -> None:
    write(proc, stat="0 0 0 0 0 0 0 0 0 0", waited=5_000_000)
    meter = LoadMeter()
    clock.now += 40
    write(proc, stat="0 0 0 0 0 0 0 0 0 0", waited=35_000_000)
    assert str(meter.read()) == "CPU pressure 75 %, load average 5.0"


def test_without_pressure_the_processors_time_tells(proc: Path) -> None:
    write(proc, stat="100 0 100 800 0 0 0 0 0 0")
    meter = LoadMeter()
    write(proc, stat="150 10 120 810 5 4 1 0 0 0")
    assert str(meter.read()) == "CPU busy 85 %, load average 5.0"


class Plain:
    def redact(self, text: str) -> str:
        return text


def test_what_is_timed_is_reported_with_the_load(proc: Path, tmp_path: Path) -> None:
    write(proc, stat="100 0 100 800 0 0 0 0 0 0")
    box = EvidenceBox(tmp_path / "report", "x.y", Plain())
    with box.timed("node Ready"):
        write(proc, stat="175 0 100 825 0 0 0 0 0 0")
    assert [(one.name, one.unit) for one in box.measurements] == [
        ("node Ready", "s"),
        ("node Ready: CPU busy", "%"),
    ]
    assert box.measurements[1].value == 75


def test_a_time_out_says_how_busy_the_machine_was(proc: Path, tmp_path: Path) -> None:
    write(proc, stat="100 0 100 800 0 0 0 0 0 0")
    box = EvidenceBox(tmp_path / "report", "x.y", Plain())

    def fail() -> None:
        write(proc, stat="200 0 100 800 0 0 0 0 0 0")
        raise AssertionError("not Ready")

    with pytest.raises(AssertionError) as error, box.timed("node Ready"):
        fail()
    [note] = error.value.__notes__
    assert note.startswith("node Ready: given up after ")
    assert "CPU busy 100 %" in note
    assert box.measurements == []


def test_this_machine_tells() -> None:
    assert 0 <= LoadMeter().read().percent <= 100


@pytest.mark.parametrize(
    ("average", "slowdown"), [(0.3, 1.0), (2.0, 1.0), (5.0, 2.5), (33.0, 16.5)]
)
def test_what_shares_a_processor_takes_as_many_times_as_long(
    average: float, slowdown: float
) -> None:
    assert Load("CPU pressure", 98.0, average, 2).slowdown == slowdown
