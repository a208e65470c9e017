"""What a person sees while parts are built: how far it is, how long it takes, what comes next."""

from __future__ import annotations

import io
import re
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from conformance.common.settings import Settings
from conformance.components import plan, prepare, progress
from conformance.components.builder import Components
from conformance.components.catalogue import CATALOGUE
from conformance.components.live_line import LiveLine
from conformance.components.parts import Part
from conformance.components.plan import Outlook, measured
from conformance.components.progress import Progress, Task, TerminalProgress, about
from conformance.components.work import Work

KUBERNETES = Outlook(
    number=4,
    total=52,
    elsewhere=428.4,
    following="containerd",
    here=428.4,
    awaited=140.0,
    rest=1800.0,
)


class Clock:
    """A clock that stands still until the test sets it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(plan, "time", clock)
    monkeypatch.setattr(progress, "time", clock)
    return clock


class Bench:
    """Components each of which takes as long as the test says."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.output = io.StringIO()
        self.pace = 1.0
        self._clock = clock
        settings = Settings(cache_dir=folder, parts="build")
        self.components = Components(settings, Progress(self.output), maker=self._make)

    def _make(self, wanted: Part, work: Work) -> None:
        self._clock.now += measured()[wanted.name] * self.pace
        (work.target / wanted.name).write_text("x")

    def begun(self) -> list[str]:
        return [
            line.removeprefix("components: ")
            for line in self.output.getvalue().splitlines()
            if ": building" in line
        ]


@pytest.fixture
def bench(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(prepare, "ensure_packages", lambda *_args, **_more: None)
    return Bench(tmp_path, clock)


def test_each_part_says_its_place_its_time_elsewhere_and_what_comes_next(bench: Bench) -> None:
    bench.components.require("pause", "image-coredns")
    assert bench.begun() == [
        "part 1 of 4: building pause 3.10; about 3 min left; next coredns",
        "part 2 of 4: building coredns v1.14.7 (took 2 min 20 s elsewhere); about 3 min left; "
        "next debian-files",
        "part 3 of 4: building debian-files bookworm (took 4.1 s elsewhere); "
        "less than 1 min left; next image-coredns",
        "part 4 of 4: building image-coredns v1.14.7",
    ]


def test_a_slower_machine_takes_longer_for_the_rest(bench: Bench) -> None:
    bench.pace = 3
    bench.components.require("etcd", "kubernetes", "containerd")
    assert [re.findall(r"about \d+ min left", line) for line in bench.begun()] == [
        ["about 11 min left"],  # nothing is known of the machine yet
        ["about 13 min left"],  # and by a small part only little
        ["about 6 min left"],
    ]


def test_what_will_be_asked_for_later_is_counted_apart(bench: Bench) -> None:
    bench.components.foresee("pause", "helm", "image-coredns")
    bench.components.require("pause", "etcd")
    assert bench.begun()[0] == (
        "part 1 of 6: building pause 3.10; less than 1 min for these, about 6 min for all; "
        "next etcd"
    )


def test_what_the_background_builds_is_waited_for_from_its_beginning(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, enough = threading.Event(), threading.Event()

    def make(_wanted: Part, work: Work) -> None:
        begun.set()
        assert enough.wait(10)
        (work.target / "etcd").write_text("x")

    def task(what: str, outlook: Outlook, *, begun: float | None = None, **_: object) -> object:
        if what.startswith("waiting"):
            waiting.append((what, Task(what, outlook, begun=begun).going_on()))
            enough.set()
        return original(what, outlook, begun=begun)

    waiting: list[tuple[str, str]] = []
    shown = Progress(io.StringIO())
    original = shown.task
    monkeypatch.setattr(shown, "task", task)
    components = Components(Settings(cache_dir=tmp_path, parts="build"), shown, maker=make)
    components.prefetch("etcd")
    assert begun.wait(10)
    clock.now += 30
    components.require("etcd")
    components.close()
    ((what, line),) = waiting
    assert what.startswith("waiting for etcd: already being built by this run")
    assert line.startswith(f"part 1 of 1: {what}, 30 s (43 s elsewhere); less than 1 min left")


def test_the_line_that_goes_on_says_all_of_it(clock: Clock) -> None:
    task = Task("building kubernetes v1", KUBERNETES)
    clock.now += 125
    task.show("612 packages compiled\n")
    line = (
        "part 4 of 52: building kubernetes v1, 2 min 5 s (7 min 8 s elsewhere); "
        "about 8 min for these, about 36 min for all; next containerd"
    )
    assert task.going_on() == f"{line}; 612 packages compiled"


def test_what_a_command_said_a_while_ago_is_not_shown(clock: Clock) -> None:
    task = Task("building kubernetes v1")
    task.show("go: downloading x")
    clock.now += 11
    assert task.going_on() == "building kubernetes v1, 11 s"


def test_a_part_that_takes_longer_than_elsewhere_has_no_time_left(clock: Clock) -> None:
    task = Task("building etcd v3", Outlook(number=1, total=1, elsewhere=43.0, here=43.0))
    clock.now += 100
    assert task.going_on() == "part 1 of 1: building etcd v3, 100 s (43 s elsewhere)"


def test_plain_progress_tells_that_it_goes_on() -> None:
    output = io.StringIO()
    beats = threading.Event()

    class Lines(Progress):
        def say(self, text: str) -> None:
            super().say(text)
            if "612" in text:
                beats.set()

    with Lines(output, heartbeat=0.01).task("building kubernetes v1") as task:
        task.show("612 packages compiled")
        assert beats.wait(10)
    lines = output.getvalue().splitlines()
    assert lines[0] == "components: building kubernetes v1"
    still = r"components: still building kubernetes v1, \d+\.\d s; 612 packages compiled"
    assert re.fullmatch(still, lines[-1])


@pytest.fixture
def terminal() -> SimpleNamespace:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=200, color_system=None)
    return SimpleNamespace(output=output, progress=TerminalProgress(LiveLine(console)))


def test_a_terminal_has_one_line_that_goes_away(terminal: SimpleNamespace) -> None:
    with terminal.progress.task("building kubernetes v1", KUBERNETES):
        terminal.progress.say("runc built in 16 s")
    said = terminal.output.getvalue()
    assert "part 4 of 52: building kubernetes v1" in said
    assert "components: runc built in 16 s\n" in said.replace("\r", "")
    assert said.endswith("\x1b[2K")  # the line is erased


def test_of_two_at_once_a_terminal_shows_the_one_that_goes_on_for_longer(
    terminal: SimpleNamespace,
) -> None:
    shown = terminal.progress
    with shown.task("building debian"), shown.task("building runc"):
        [longest] = map(str, shown._longest())
        assert "building debian" in longest
    assert shown._longest() == []


def test_the_background_has_a_line_on_a_terminal_only_for_what_is_long(
    terminal: SimpleNamespace,
) -> None:
    with terminal.progress.task("building kubernetes v1", KUBERNETES, background=True):
        pass
    with terminal.progress.task("building image-coredns", Outlook(here=0.2), background=True):
        pass
    (line,) = terminal.output.getvalue().splitlines()
    assert line.startswith("components: part 4 of 52: building kubernetes v1 (took 7 min 8 s")


def test_durations_ahead_are_rounded_up_to_minutes() -> None:
    assert [about(one) for one in (0, 59, 60, 61, 3600)] == [
        "less than 1 min",
        "less than 1 min",
        "about 1 min",
        "about 2 min",
        "about 60 min",
    ]


def test_every_part_was_measured() -> None:
    assert set(measured()) == set(CATALOGUE)
    assert all(duration > 0 for duration in measured().values())
