"""What a person sees while checks run: a line for each as it ends, and what goes on now."""

from __future__ import annotations

import io
import os
import pty
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from forked_pytest import forked
from report_samples import a_check
from rich.console import Console
from small_runs import HEAD, PASSES, RunChecks, runner

from conformance.components.live_line import Entry, LiveLine
from conformance.platform.steps import Steps
from conformance.suite import running
from conformance.suite.running import Running
from conformance.suite.terminal import Terminal
from conformance.suite.under_test import UnderTest

MANY = (
    PASSES
    + """
from conformance.suite.check import core, extended

@check("auto_update.fails", promise="It holds.")
def test_fails(evidence):
    evidence.attach("seen.txt", "all well")
    assert 1 == 2, "one is not two"

@check("auto_update.serves", promise="It serves.", apps=core("notes"))
def test_serves(app): pass

@check("auto_update.cannot", promise="It holds.", needs=[Feature.NODE_KILL])
def test_cannot(): pass

@check("auto_update.starts", promise="It holds.")
def test_starts(cluster): pass

@check("auto_update.starts_too", promise="It holds.")
def test_starts_too(cluster): pass

@pytest.fixture
def leaves():
    yield
    raise HarnessError("cannot delete it", "Look.")

@check("auto_update.left", promise="It holds.")
def test_left(leaves): pass
"""
)


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    return runner(pytester, monkeypatch)


def until_the_end(result: pytest.RunResult) -> list[str]:
    """Return the lines before pytest's own sections, which tell all failures once more."""
    lines = result.outlines
    return lines[: next(at for at, line in enumerate(lines) if line.startswith("=====") and at > 1)]


def test_each_check_has_a_line_as_it_ends_and_a_failure_its_reason(run: RunChecks) -> None:
    result = run(MANY, "--lanes=1")
    result.stdout.fnmatch_lines(
        [
            "PASS auto_update.passes *.* s * [[] 14%]",
            "FAIL auto_update.fails *.* s * [[] 28%]",
            "  one is not two",
            "  assert 1 == 2",
            "  evidence: reports/*/evidence/auto_update.fails/failure.txt, and 1 more file",
            "PASS auto_update.serves [[]notes] *.* s * [[] 42%]",
            "NOT RUN auto_update.cannot *.* s * [[] 57%]",
            "  this existing cluster does not offer SIGKILL and restart *",
            "NOT RUN auto_update.starts *.* s * [[] 71%]",
            "  https://10.0.0.1:6443 does not answer.",
            "    To do: Check --kubeconfig.",
            "NOT RUN auto_update.starts_too *.* s * [[] 85%]",
            "  as reported above",
            "PASS auto_update.left *.* s * [[]100%]",
            "ERROR clean-up of auto_update.left failed",
            "*HarnessError: cannot delete it",
        ],
        consecutive=False,
    )
    shown = "\n".join(until_the_end(result))
    assert "test_auto_update.py ." not in shown
    assert "\r" not in shown
    result.assert_outcomes(passed=3, failed=1, skipped=2, errors=2)


def test_quiet_says_what_failed_and_verbose_what_each_check_is(run: RunChecks) -> None:
    quiet = run(MANY, "-q").stdout.str()
    assert "FAIL auto_update.fails" in quiet
    assert "NOT RUN auto_update.starts " in quiet
    assert "PASS" not in quiet
    assert "auto_update.starts_too" not in quiet
    run(MANY, "-v", "-x").stdout.fnmatch_lines(
        [
            "PASS auto_update.passes *",
            "  It holds.",
            "  auto_update/test_auto_update.py::test_passes",
            "  set-up *.* s, call *.* s",
            "FAIL auto_update.fails *",
            "*stopping after 1 failures*",
        ]
    )


def test_a_list_of_checks_is_pytests(run: RunChecks) -> None:
    listed = run(MANY, "--collect-only", "-q").stdout.str()
    assert "auto_update/test_auto_update.py::test_passes" in listed
    assert "PASS" not in listed


def test_tests_that_are_no_checks_are_shown_as_ever(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(test_plain="def test_plain(): pass")
    result = run(PASSES)
    result.stdout.fnmatch_lines(["PASS auto_update.passes *", "test_plain.py .*[[]100%]"])
    result.assert_outcomes(passed=2)


def test_on_a_terminal_the_last_line_says_what_runs(pytester: pytest.Pytester) -> None:
    slow = PASSES.replace("evidence.attach", "import time; time.sleep(2); evidence.attach")
    pytester.makepyfile(**{"auto_update/test_auto_update": HEAD + slow})
    ours, theirs = pty.openpty()
    arguments = ["-p", "no:cacheprovider", "--color=no"]
    environment = {**os.environ, "TERM": "xterm"}
    with forked(pytester.path, *arguments, terminal=theirs, environment=environment) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
        assert process.wait() == 0
    os.close(ours)
    text = shown.decode()
    assert "auto_update.passes, " in text  # while it runs
    assert "\x1b[2K" in text  # that line is erased
    assert "PASS" in text.split("auto_update.passes, ")[-1]
    assert "1 passed in" in text.splitlines()[-1]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other side is closed
        return b""


class Stack:
    def __init__(self) -> None:
        self.steps = {"infrastructure": 12.3, "sources": 1.0}

    def going_on(self) -> dict[str, float]:
        return self.steps


def a_run(terminal: object) -> SimpleNamespace:
    recorder = SimpleNamespace(result=lambda _: a_check("dashboard", 1))
    return SimpleNamespace(recorder=recorder, terminal=terminal)


def an_item() -> pytest.Item:
    marker = SimpleNamespace(args=[SimpleNamespace(apps={})])
    return SimpleNamespace(nodeid="x", get_closest_marker=lambda _: marker)  # type: ignore[return-value]


def test_the_line_names_the_check_and_the_step_of_the_installation() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=200)
    terminal = SimpleNamespace(line=LiveLine(console, redirect=False), say=print)
    run = a_run(terminal)
    under_test = UnderTest(run)  # type: ignore[arg-type]
    under_test.stack = Stack()  # type: ignore[assignment]
    shown = Running(run, under_test, told=True)  # type: ignore[arg-type]
    loop = shown.pytest_runtestloop()
    next(loop)
    assert terminal.line._live is not None
    shown.pytest_runtest_setup(an_item())
    assert (
        "; ".join(map(str, shown._now()))
        == "dashboard.promise_1, 0.0 s; installing infrastructure, 12 s"
    )
    shown.pytest_keyboard_interrupt()
    assert terminal.line._live is None


def test_without_a_terminal_a_check_that_takes_long_is_named_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "_HEARTBEAT", 2.0)
    said: list[str] = []
    terminal = SimpleNamespace(line=None, say=said.append)
    run = a_run(terminal)
    shown = Running(run, UnderTest(run), told=True)  # type: ignore[arg-type]
    loop = shown.pytest_runtestloop()
    next(loop)
    shown.pytest_runtest_setup(an_item())
    deadline = time.monotonic() + 60
    while not said and time.monotonic() < deadline:
        time.sleep(0.1)
    shown.pytest_keyboard_interrupt()
    assert said[0].startswith("still dashboard.promise_1, ")
    assert said[-1].startswith("interrupted: taking away what this run has made")


def test_a_step_goes_on_until_it_ends_or_fails() -> None:
    steps = Steps()
    seen: list[object] = []
    steps.run("dns", lambda: seen.append(list(steps.going_on())))
    with pytest.raises(ZeroDivisionError):
        steps.run("sources", lambda: 1 / 0)
    assert seen == [["dns"]]
    assert steps.going_on() == {}


def test_the_line_is_away_while_others_write_and_goes_with_the_last_who_has_one() -> None:
    output = io.StringIO()
    line = LiveLine(Console(file=output, force_terminal=True, width=30, color_system=None))

    def first() -> list[Entry]:
        return [Entry("a check", ", 2 s")]

    def second() -> list[Entry]:
        return [Entry("building etcd " + "x" * 40)]

    line.show(first)
    with line.showing(second):
        assert line._text().plain.startswith("a check, 2 s; building etcd")
        with line.hidden():
            assert line._live is None
            output.write("PASS\n")
        assert line._live is not None
    line.drop(first)
    assert line._live is None
    assert "\N{HORIZONTAL ELLIPSIS}" in output.getvalue()  # it never takes a second line


def test_what_is_printed_meanwhile_comes_in_whole_lines(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    terminal = Terminal()
    with terminal.showing():
        print("cluster:", "embedded")
        print("half", end="")
        assert capfd.readouterr().err == "cluster: embedded\n"
        print(tmp_path, file=sys.stderr)
        print("the rest", end="")
    assert capfd.readouterr().err == f"half{tmp_path}\nthe rest\n"
    terminal.close()
