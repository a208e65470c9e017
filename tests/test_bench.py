"""The benchmarks' arithmetic, table, JSON and registration; nothing is measured here."""

from __future__ import annotations

import io
import json
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from bench import cases
from bench.__main__ import bench, main
from bench.cases.bring_up import has_address, query
from bench.cases.lint import make_tree
from bench.catalogue import BENCHMARKS, Benchmark, Measure, benchmark, select
from bench.machine import Machine, cpu_times
from bench.proportional import peak, sums
from bench.results import Result, Results, as_json, met, table, write
from bench.runner import run
from bench.summary import summarise
from conformance.common.errors import HarnessError
from conformance.common.settings import PROJECT_ROOT

QUIET = Machine("Debian", "6.1", "CPU", 2, 8 << 30, 7 << 30, "v2", (0.1, 0.2, 0.3), 0.01)
SLOW = Measure("slow", target=1.0)
TAIL = Measure("tail", "ms", target=50.0, judged="p95")


def _result(*samples: dict[str, list[float]]) -> Result:
    result = Result(Benchmark("one", "One thing", lambda _: {}, (SLOW, TAIL)))
    for round_ in samples:
        result.add(round_)
    return result


def _text(results: Results) -> str:
    stream = io.StringIO()
    Console(file=stream, width=120).print(table(results))
    return stream.getvalue()


def test_the_median_is_not_the_mean_and_one_bad_round_does_not_move_it() -> None:
    summary = summarise([5.0, 4.0, 400.0, 4.5, 4.2])
    assert (summary.minimum, summary.median, summary.maximum) == (4.0, 4.5, 400.0)
    assert summary.p95 is None, "five samples have no 95th percentile"
    assert summarise([1.0, 2.0]).median == 1.5


def test_the_95th_percentile_is_the_nearest_rank() -> None:
    assert summarise([float(n) for n in range(100, 0, -1)]).p95 == 95.0
    assert summarise([float(n) for n in range(1, 21)]).p95 == 19.0


def test_a_target_is_for_the_value_it_names() -> None:
    late = [10.0] * 18 + [60.0] * 2
    assert met(TAIL, summarise(late)) is False, "the median is fine, the tail is not"
    assert met(TAIL, summarise([10.0])) is None, "too few samples to say"
    assert met(SLOW, summarise([0.5, 1.0, 9.0])) is True
    assert met(Measure("free"), summarise([1.0])) is None


def test_rounds_add_up_in_the_table_and_the_json() -> None:
    results = Results(QUIET, 2, [_result({"slow": [1.25]}, {"slow": [2.75], "tail": [7.0]})])
    row = next(line for line in _text(results).splitlines() if "slow" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        *("one", "slow", "1.25", "2.00", "", "2.75", "s", "<= 1 missed", "2"),
    ]
    (measured,) = json.loads(json.dumps(as_json(results)))["benchmarks"]
    assert [(one["name"], one["met"], one["samples"]) for one in measured["measures"]] == [
        ("slow", False, [1.25, 2.75]),
        ("tail", None, [7.0]),
    ]


def test_a_busy_machine_is_told_loudly_a_quiet_one_not() -> None:
    assert QUIET.warnings() == []
    busy = Machine("Debian", "6.1", "CPU", 2, 8 << 30, 7 << 30, "v2", (9.0, 3.0, 1.0), 0.8)
    assert ["80%" in busy.warnings()[0], "load 9.0" in busy.warnings()[1]] == [True, True]
    disturbed = _result({"slow": [1.0]})
    disturbed.busy = [0.01, 0.5]
    assert Results(QUIET, 2, [disturbed]).warnings() == ["1 of 2 rounds began on a busy machine"]


def test_waiting_for_a_disk_is_not_being_busy() -> None:
    assert cpu_times("cpu  10 1 5 70 14 0 0 0 3 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n") == (16, 100)


def test_an_interrupted_run_keeps_what_it_measured(tmp_path: Path) -> None:
    def interrupted(_: object) -> dict[str, list[float]]:
        if result.samples:
            raise KeyboardInterrupt
        return {"slow": [1.0]}

    result = Result(Benchmark("one", "One thing", interrupted, (SLOW,)))
    results = Results(QUIET, 5, [result])
    with pytest.raises(KeyboardInterrupt):
        run(results, None, lambda _: None, glance=lambda _: 0.0)
    content = json.loads(write(results, tmp_path / "bench").read_text())
    assert content["complete"] is False
    assert content["benchmarks"][0]["measures"][0]["samples"] == [1.0]


def test_a_benchmark_that_fails_does_not_end_the_others() -> None:
    def fails(_: object) -> dict[str, list[float]]:
        raise HarnessError("no node", "get one")

    broken = Result(Benchmark("broken", "Broken", fails, ()))
    sound = Result(Benchmark("sound", "Sound", lambda _: {"slow": [1.0]}, (SLOW,)))
    results = Results(QUIET, 3, [broken, sound])
    run(results, None, lambda _: None, glance=lambda _: 0.0)
    assert broken.errors == ["no node\n  To do: get one"]
    assert (sound.samples, results.complete) == ({"slow": [1.0, 1.0, 1.0]}, True)


def test_every_case_is_registered_with_a_title_and_the_issues_targets() -> None:
    names = ["backup", "cluster", "kind", "memory", "growth", "lint", "login", "report"]
    names += ["restart", "stack", "e2e", "recovery", "upgrade", "wait", "platform", "snapshot"]
    assert list(BENCHMARKS) == names
    assert {one.run.__module__.rpartition(".")[2] for one in BENCHMARKS.values()} == set(
        cases.__all__
    )
    assert all(len(one.title.split()) > 3 for one in BENCHMARKS.values())
    targets = {
        f"{one.name}: {measure.name}": measure.target
        for one in BENCHMARKS.values()
        for measure in one.measures
        if measure.target
    }
    assert targets == {
        "cluster: node Ready": 4.0,
        "cluster: DNS answers": 6.0,
        "cluster: teardown": 0.5,
        "e2e: afresh": 390.0,
        "kind: node Ready": 15.0,
        "kind: DNS answers": 28.0,
        "lint: one chart": 0.45,
        "lint: tree of 25": 1.5,
        "lint: 400 charts": 15.0,
        "lint: memory": 150.0,
        "login: round trip": 3.0,
        "memory: resident": 1024.0,
        "platform: login page answers": 55.0,
        "platform: memory when idle": 3072.0,
        "recovery: recovery time": 240.0,
        "report: opened in Chromium, CPU": 1.0,
        "report: report.html": 5000.0,
        "report: compare, CPU": 1.0,
        "report: history of 365, CPU": 5.0,
        "report: history.html": 2000.0,
        "snapshot: login page answers": 10.0,
        "snapshot: disk of the fork": 300.0,
        "stack: all Ready": 90.0,
        "stack: teardown": 0.5,
        "upgrade: check": 240.0,
        "wait: conformance.kube.wait": 50.0,
    }


def test_names_select_and_unknown_or_doubled_ones_are_refused() -> None:
    assert [one.name for one in select(["wait", "cluster"])] == ["cluster", "wait"]
    only_if_named = BENCHMARKS.keys() - {one.name for one in select([])}
    assert only_if_named == {"e2e", "growth", "recovery", "upgrade"}
    assert [one.name for one in select(["e2e"])] == ["e2e"]
    with pytest.raises(HarnessError, match=r"no benchmark 'wiat'.*\n.*backup, cluster"):
        select(["wiat"])
    with pytest.raises(ValueError, match="two benchmarks called wait"):
        benchmark("wait")(bench)


def test_a_dns_reply_counts_only_with_an_address() -> None:
    asked = query(7, "a.bc")
    assert asked[12:] == b"\1a\2bc\0\0\1\0\1"

    def reply(number: int, flags: int, records: int) -> bytes:
        return struct.pack("!6H", number, flags, 1, records, 0, 0) + asked[12:]

    assert has_address(reply(7, 0x8400, 1), 7)
    assert not has_address(reply(8, 0x8400, 1), 7), "the reply to another query"
    assert not has_address(reply(7, 0x8403, 1), 7), "no such name"
    assert not has_address(reply(7, 0x8400, 0), 7), "no record"
    assert not has_address(asked, 7), "a query"
    assert not has_address(b"", 7)


def test_memory_sums_over_processes() -> None:
    one = "00400000-7fff [rollup]\nRss:     2000 kB\nPss:      500 kB\nPss_Dirty:  9 kB\n"
    assert sums(one + one) == {"Rss": 4000, "Pss": 1000}


HOLDING = """
import os, time
held = b"x" * (40 << 20)
if os.fork():
    os.wait()
else:
    time.sleep(1.5)
"""


def test_what_two_processes_share_counts_once() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDING], text=True) as process:
        most = peak(process)
    assert 40 < most < 75


def test_the_linters_tree_has_25_packages_with_names_of_their_own(tmp_path: Path) -> None:
    charts = make_tree(tmp_path)
    assert len(charts) == 25
    assert all((chart / "Chart.yaml").is_file() for chart in charts)
    assert "name: board25\n" in (charts[-1] / "Chart.yaml").read_text()
    assert not any(path.stem == "board" for path in tmp_path.rglob("*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "error: there is no benchmark 'nothing'"),
        (["lint", "--rounds", "0"], "error: argument --rounds: '0' is not a number from 1 on"),
        (["lint", "--rounds=1", "nothing"], "error: there is no benchmark 'nothing'"),
    ],
)
def test_bad_arguments_end_with_a_line_that_says_what_to_do(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # it would stay in this process
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(message)


def test_it_is_a_module_to_run() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bench", "nothing"],
        cwd=PROJECT_ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: there is no benchmark 'nothing'")
