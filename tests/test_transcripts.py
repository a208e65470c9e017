"""What checks asked and were answered, among their evidence."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import kube_wire as wire
import pytest
from small_runs import RunChecks, runner
from test_oci_leaks import tar

from conformance.common import transcript
from conformance.common.transcript import Transcript, carried, paused, record, without_values
from conformance.components.waiting import BuildingFuture, in_thread
from conformance.kube.client import Kube
from conformance.kube.conditions import deleted, exists, ready
from conformance.kube.objects import Ref
from conformance.kube.seen import answered
from conformance.kube.wait import Wait, WaitTimeout, wait, wait_all
from conformance.oci.layers import read_file
from conformance.oci.leaks import find_leaks


@pytest.fixture
def kept() -> Iterator[Transcript]:
    yield transcript.begin()
    transcript.end()


def plain(text: str) -> str:
    return text


def lines(kept: Transcript) -> list[str]:
    return [line.partition(" s  ")[2] for line in kept.text(plain).splitlines()]


def test_exchanges_are_kept_in_order_and_repeated_ones_counted(kept: Transcript) -> None:
    for asked, said in (("GET /a", 404), ("GET /a", 404), ("GET /a", 200), ("GET /b", 200)):
        record(asked, said)
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


def test_what_threads_ask_for_a_check_is_the_check_s(kept: Transcript) -> None:
    thread = threading.Thread(target=carried(lambda: record("GET /a", 200)))
    thread.start()
    thread.join()
    assert lines(kept) == ["GET /a → 200"]


def test_a_check_stands_on_what_was_asked_for_the_results_that_it_waits_for() -> None:
    def install() -> str:
        record("helm install", 0)
        return "installed"

    def back_up(after: BuildingFuture[str]) -> str:
        after.result()
        record("velero backup", "Completed")
        return "backed up"

    installed = in_thread("install", install)
    backed_up = in_thread("back up", partial(back_up, installed))
    backed_up.exception()  # it was done before the check
    kept = transcript.begin()
    record("GET /backups", 200)
    for future in (backed_up, installed, backed_up):
        future.result()
    transcript.end()
    heading, install_line, backup_line, blank, then, own = kept.text(plain).splitlines()
    assert heading == "Before, for several checks, or in the background:"
    assert re.fullmatch(r" +-0\.\d\d s  helm install → 0", install_line)
    assert re.fullmatch(r" +-0\.\d\d s  velero backup → Completed", backup_line)
    assert (blank, then) == ("", "This check:")
    assert own.endswith("GET /backups → 200")


def test_nothing_is_kept_during_a_pause(kept: Transcript) -> None:
    with paused():
        record("GET /again", 200)
    record("wait", "seen")
    assert lines(kept) == ["wait → seen"]


def test_of_a_long_transcript_both_ends_are_shown(kept: Transcript) -> None:
    for number in range(6000):
        record(f"GET /{number}", 200)
    shown = kept.text(plain).splitlines()
    assert len(shown) == 81
    assert shown[40] == "... 5920 more ..."
    assert len(kept.text(plain)) < 10_000


def test_only_the_lines_that_are_shown_are_redacted(kept: Transcript) -> None:
    for number in range(200):
        record(f"GET /{number}", 200)
    redacted: list[str] = []
    kept.text(lambda text: redacted.append(text) or text)  # type: ignore[func-returns-value]
    assert redacted == [f"GET /{number} → 200" for number in (*range(40), *range(160, 200))]


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


def of_pods(kept: Transcript) -> list[str]:
    return [line for line in lines(kept) if "Pod" in line]


def test_what_the_api_is_asked_and_which_objects_it_answers_with_is_kept(
    server: wire.WireServer, kube: Kube, kept: Transcript
) -> None:
    server.objects["pods"] = [wire.pod(), wire.pod("old", "True", phase="Running")]
    kube.list("v1", "Pod", "n", labels="app=web")
    kube.create(wire.pod())
    assert of_pods(kept) == [
        "GET /api/v1/namespaces/n/pods?labelSelector=app=web → "
        "200 Pod web, Pending, not Ready; Pod old, Running, Ready",
        "POST /api/v1/namespaces/n/pods → 200 Pod web, Pending, not Ready",
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"line of a log", "13 bytes"),
        (b'"kind"', "6 bytes"),
        (b'{"kind": "Status", "reason": "NotFound"}', "NotFound"),
        (b'{"kind": "PodList", "items": []}', "no Pod"),
        (
            b'{"kind": "Backup", "metadata": {"name": "b", "generation": 3, "deletionTimestamp": '
            b'"2026-11-29T10:00:00Z"}, "status": {"phase": "Completed", "message": "private"}}',
            "Backup b, being deleted, generation 3, Completed",
        ),
        (
            b'{"kind": "Secret", "metadata": {"name": "s"}, "data": {"password": "cHJpdmF0ZQ=="}}',
            "Secret s",
        ),
        (b'{"kind": "Widget", "metadata": {"name": "w"}, "status": "fine"}', "Widget w"),
        (
            b'{"kind": "Widget", "metadata": {"name": "w"}, "status": {"phase": "Up", '
            b'"artifact": "none", "conditions": {"Ready": true}}}',
            "Widget w, Up",
        ),
        (
            b'{"kind": "Widget", "metadata": null, "status": {"conditions": ["Ready", {}, '
            b'{"type": "Ready"}], "artifact": null}}',
            "Widget, not Ready",
        ),
        (
            b'{"kind": "HelmRelease", "metadata": {"name": "h"}, "status": {"history": "none"}}',
            "HelmRelease h",
        ),
    ],
)
def test_an_answer_is_told_in_a_few_words(body: bytes, said: str) -> None:
    assert answered(200, body).removeprefix("200").lstrip(", ") == said


def test_of_many_objects_the_first_are_named() -> None:
    items = [{"metadata": {"name": f"p{number}"}} for number in range(5)]
    body = json.dumps({"kind": "PodList", "items": items}).encode()
    assert answered(200, body) == "200 Pod p0; Pod p1; Pod p2; and 2 more"


def test_of_a_wait_is_kept_what_was_seen_and_not_how(
    server: wire.WireServer, kube: Kube, kept: Transcript
) -> None:
    server.objects["pods"] = [wire.pod()]
    pod = Ref("v1", "Pod", "web", "n")
    wait(kube, pod, exists())
    with pytest.raises(WaitTimeout):
        wait(kube, pod, ready(), timeout=0.1)
    waits = [Wait(pod, exists()), Wait(Ref("v1", "Pod", "none", "n"), deleted())]
    wait_all(kube, waits)
    found = [line for line in lines(kept) if line.startswith("wait for ")]
    assert found[:2] == [
        "wait for Pod web in n to be: exists → seen: Pod web, Pending, not Ready",
        "wait for Pod web in n to be: Ready → given up: Pod web, Pending, not Ready",
    ]
    assert sorted(found[2:]) == [
        "wait for Pod none in n to be: deleted → seen: no such object",
        found[0],
    ]
    assert not any("GET /api/v1/namespaces/n/pods" in line for line in lines(kept))


def test_what_is_read_in_an_image_is_kept(kept: Transcript) -> None:
    layer = tar({"etc/notes.yaml": b"port: 8080", "etc/.env": b"A=b"})
    assert read_file([io.BytesIO(layer)], "etc/notes.yaml") == b"port: 8080"
    find_leaks({}, [io.BytesIO(layer)])
    assert lines(kept) == [
        "read /etc/notes.yaml of an image → 10 bytes, of layer 1 from the top",
        "look for leaks in an image: its configuration, 2 files of 1 layers → 1 found",
    ]


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


SHARES = """
from conformance.common.transcript import record
from conformance.suite.check import shared

@pytest.fixture(scope=shared)
def image():
    record("build", "a digest")
    return object()

@check("auto_update.first", promise="It holds.")
def test_first(image):
    record("GET /first", 200)

@check("auto_update.second", promise="It holds.")
def test_second(image):
    pass

@check("auto_update.third", promise="It holds.")
def test_third(image):
    record("GET /third", 200)
"""


def test_what_a_shared_fixture_asked_is_kept_with_each_check_that_uses_it(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(SHARES)
    evidence = pytester.path / "reports" / "latest" / "evidence"
    found = {
        path.parent.name.partition(".")[2]: re.sub(r"(?m)^ *-?\d+\.\d\d s  ", "", path.read_text())
        for path in evidence.glob("*/asked.txt")
    }
    before = "Before, for several checks, or in the background:\nbuild → a digest\n\nThis check:\n"
    assert found == {
        "first": "build → a digest\nGET /first → 200\n",
        "second": before,
        "third": before + "GET /third → 200\n",
    }
