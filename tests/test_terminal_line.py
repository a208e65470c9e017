"""The last line of a terminal while checks run side by side: what runs in each lane or cluster."""

from __future__ import annotations

import os
import pty
import re
import select
import termios
import time
from collections.abc import Sequence

import pytest
from forked_pytest import forked
from rich.cells import cell_len
from small_runs import HEAD

from conformance.components.live_line import Entry, in_one_line

WAITS = """
import pathlib, time

@check("{capability}.keeps_what_it_has_although_somebody_deletes_its_pod", promise="It holds.")
def test_keeps(run):
    print("printed by {capability}")
    run.terminal.say("said by {capability}")
    while not pathlib.Path("go").exists():
        time.sleep(0.05)
"""
CAPABILITIES = ("persistent_storage", "chart_deployment")
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def drawn(shown: bytes) -> list[str]:
    """Return each line that a terminal was sent, whether it was erased later or not."""
    return [line for line in re.split("[\r\n]+", _SEQUENCE.sub("", shown.decode())) if line]


def on_terminal(
    pytester: pytest.Pytester,
    columns: int,
    capabilities: Sequence[str],
    options: Sequence[str],
    *,
    awaited: Sequence[str] = (),
) -> bytes:
    """Run a check of each capability; return what a terminal of so many columns was sent.

    They go on until the line has named each of them, and what is ``awaited``, three times.
    """
    sources = {f"{one}/test_{one}": HEAD + WAITS.format(capability=one) for one in capabilities}
    pytester.makepyfile(**sources)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    arguments = ["-p", "no:cacheprovider", "--color=no", *options]
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    shown = b""
    environment["TERM"] = "xterm"
    with forked(pytester.path, *arguments, terminal=theirs, environment=environment) as process:
        os.close(theirs)
        deadline = time.monotonic() + 300
        while chunk := read(ours):
            shown += chunk
            if (
                all(len(live(shown, one)) >= 3 for one in (*capabilities, *awaited))
                or time.monotonic() > deadline
            ):
                (pytester.path / "go").touch()
        assert process.wait() == 0
    os.close(ours)
    return shown


@pytest.mark.parametrize("columns", [60, 132])
@pytest.mark.parametrize("options", [("--lanes=2",), ("--clusters=2", "--cluster=embedded")])
def test_the_line_names_what_runs_on_each_and_fits_the_terminal(
    pytester: pytest.Pytester, options: tuple[str, ...], columns: int
) -> None:
    shown = on_terminal(pytester, columns, CAPABILITIES, options)
    lines = drawn(shown)
    one = rf"[a-z_.]+{ELLIPSIS}?, (\d+ min )?\d+(\.\d)? s"
    both = [line for line in live(shown, CAPABILITIES[0]) if "; 2: " in line]
    assert both
    for line in both:
        assert re.fullmatch(f"1: {one}; 2: {one}", line), line
        assert cell_len(line) <= columns
        assert all(f"{name[:16]}" in line for name in CAPABILITIES)
        assert cell_len(line) > columns - 4  # and uses what there is
    for name in CAPABILITIES:
        assert [line for line in lines if f"said by {name}" in line] == [
            line for line in lines if re.fullmatch(f"(stackspin-[12]: )?said by {name}", line)
        ]
        assert [line for line in lines if line.startswith(f"PASS {name}.keeps")]
    assert "printed by" not in shown.decode()
    assert "2 passed in" in lines[-1], shown.decode()[-3000:]


@pytest.mark.parametrize("columns", [60, 132])
def test_the_line_of_a_single_check_fits_too(pytester: pytest.Pytester, columns: int) -> None:
    lines = live(on_terminal(pytester, columns, CAPABILITIES[:1], ()), CAPABILITIES[0])
    name = "persistent_storage.keeps_what_it_has_although_somebody_deletes_its_pod"
    assert lines
    for line in lines:
        assert cell_len(line) <= columns
        assert (name in line) == (columns > len(name) + 10)


INSTALLS = """
import time
import pytest

class Stack:
    def __init__(self):
        self.began = time.monotonic()
    def going_on(self):
        return {"platform": time.monotonic() - self.began, "a later step": 0.1}

@pytest.fixture(scope="session")
def stack():
    return Stack()

@pytest.fixture(autouse=True)
def installed(request):
    if "persistent_storage" in request.path.parts:
        request.getfixturevalue("stack")
"""


def test_the_line_says_what_is_installed_on_which_cluster(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**{"persistent_storage/conftest": INSTALLS})
    options = ("--clusters=2", "--cluster=embedded")
    shown = on_terminal(pytester, 160, CAPABILITIES, options, awaited=["installing"])
    installs = [line for line in drawn(shown) if ": installing" in line]
    behind_its_check = r"(\d): persistent_storage\.\S+, \S+ s; \1: installing platform, [\d.]+ s"
    assert [line for line in installs if re.search(behind_its_check, line)]
    assert len({line.rpartition("platform, ")[2] for line in installs}) > 1  # its seconds go on


def live(shown: bytes, capability: str) -> list[str]:
    """Return the lines, as drawn so far, that say that a check of a capability runs."""
    return [line for line in drawn(shown) if re.search(rf"{capability[:16]}.*, .* s$", line)]


def read(terminal: int) -> bytes:
    """Return what a terminal is sent next; nothing when the other side is closed, or is silent."""
    ready, _, _ = select.select([terminal], [], [], 300)
    try:
        return os.read(terminal, 1 << 16) if ready else b""
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (60, "1: dashboard.lists_apps, 2 s; 2: backup.restores_it, 41 s"),
        (57, "1: dashboard.lists_apps, 2 s; 2: backup.restores_it, 41 s"),
        (50, f"1: dashboard.lists{ELLIPSIS}, 2 s; 2: backup.restore{ELLIPSIS}, 41 s"),
        (20, f"1: {ELLIPSIS}, 2 s; 2:{ELLIPSIS}, 41 s"),
    ],
)
def test_each_has_its_share_of_the_line_and_keeps_its_seconds(columns: int, line: str) -> None:
    two = [Entry("1: dashboard.lists_apps", ", 2 s"), Entry("2: backup.restores_it", ", 41 s")]
    assert in_one_line(two, columns) == line
    assert cell_len(line) <= columns


def test_what_a_short_entry_leaves_goes_to_the_longer_one() -> None:
    two = [Entry("part 3 of 40: building kubernetes, which takes long"), Entry("1: x", ", 2 s")]
    assert in_one_line(two, 40) == f"part 3 of 40: building kuber{ELLIPSIS}; 1: x, 2 s"


def test_nothing_goes_on_nothing_is_said() -> None:
    assert in_one_line([], 80) == ""
