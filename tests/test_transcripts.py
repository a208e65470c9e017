"""What checks asked and were answered, among their evidence."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import kube_wire as wire
import pytest
from small_runs import RunChecks, runner

from conformance.common import transcript
from conformance.common.transcript import Transcript, record, without_values
from conformance.kube.client import Kube


@pytest.fixture
def kept() -> Iterator[Transcript]:
    yield transcript.begin()
    transcript.end()


def plain(text: str) -> str:
    return text


def lines(kept: Transcript) -> list[str]:
    return [line.partition(" s  ")[2] for line in kept.text(plain).splitlines()]


def test_exchanges_are_kept_in_order_and_repeated_ones_counted(kept: Transcript) -> None:
    for asked, answered in (("GET /a", 404), ("GET /a", 404), ("GET /a", 200), ("GET /b", 200)):
        record(asked, answered)
    assert lines(kept) == ["GET /a → 404 (2 times)", "GET /a → 200", "GET /b → 200"]


def test_nothing_is_kept_before_the_beginning_and_after_the_end() -> None:
    record("GET /before", 200)
    kept = transcript.begin()
    transcript.end()
    record("GET /after", 200)
    assert kept.text(plain) == ""


def test_each_thread_has_its_own(kept: Transcript) -> None:
    thread = threading.Thread(target=record, args=("GET /of-another-check", 200))
    thread.start()
    thread.join()
    assert lines(kept) == []


def test_of_a_long_transcript_both_ends_are_shown(kept: Transcript) -> None:
    for number in range(6000):
        record(f"GET /{number}", 200)
    shown = kept.text(plain).splitlines()
    assert len(shown) == 81
    assert shown[40] == "... 5920 more ..."
    assert len(kept.text(plain)) < 10_000


def test_a_secret_is_redacted_before_a_line_is_cut(kept: Transcript) -> None:
    secret = "planted-0123456789"
    record(f"exec n/web: echo {'x' * 260} {secret}", "exit status 0")
    assert "planted" not in kept.text(lambda text: text.replace(secret, "***"))


def test_a_script_is_one_line(kept: Transcript) -> None:
    record("exec n/web: sh -c 'cd /data\nls'", "exit status 0, 9 bytes")
    assert lines(kept) == ["exec n/web: sh -c 'cd /data ls' → exit status 0, 9 bytes"]


def test_of_an_address_the_names_of_parameters_are_kept() -> None:
    shown = without_values("https://sso.example.org/auth?client_id=notes&state=s3cr3t&empty=#top")
    assert shown == "https://sso.example.org/auth?client_id&state&empty"


def test_what_the_api_is_asked_is_kept(
    server: wire.WireServer,  # noqa: ARG001
    kube: Kube,
    kept: Transcript,
) -> None:
    kube.list("v1", "Pod", "n")
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "n"}}
    kube.create(manifest)
    found = [line for line in lines(kept) if "/namespaces/n/" in line]
    assert found[0].startswith("GET /api/v1/namespaces/n/pods → 200")
    assert found[-1].startswith("POST /api/v1/namespaces/n/pods?")
    assert found[-1].endswith(" Pod web → 200")


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    return runner(pytester, monkeypatch)


ASKS = """
from conformance.common.transcript import record

@pytest.fixture
def app():
    record("POST /set-up", 201)
    yield
    record("DELETE /clean-up", 200)

@check("auto_update.{id}", promise="It holds.")
def test_{id}(app):
    record("GET /of-{id}", 200)
    {then}
"""


def test_a_check_leaves_what_it_asked_whether_it_passes_or_fails(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(
        ASKS.format(id="passes", then="pass")
        + ASKS.format(id="fails", then="assert False")
        + ASKS.format(id="does_not_run", then="not_run('no reason')")
        + "@check('auto_update.silent', promise='It holds.')\ndef test_silent(): pass\n"
    )
    evidence = pytester.path / "reports" / "latest" / "evidence"
    found = {path.parent.name: path.read_text() for path in evidence.glob("*/asked.txt")}
    assert set(found) == {"auto_update.passes", "auto_update.fails"}
    for name, text in found.items():
        asked = [line.partition(" s  ")[2] for line in text.splitlines()]
        of_check = f"GET /of-{name.removeprefix('auto_update.')} → 200"
        assert asked == ["POST /set-up → 201", of_check]


def test_the_transcript_is_one_of_the_report_s_files(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(ASKS.format(id="passes", then="pass"))
    page = Path(pytester.path / "reports" / "latest" / "report.html").read_text()
    assert "evidence/auto_update.passes/asked.txt" in page
    assert "GET /of-passes → 200" in page
