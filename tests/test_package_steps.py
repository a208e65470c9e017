"""Seed and verify against a real https server: what is sent, what is kept, how each step fails."""

from __future__ import annotations

import contextlib
import json
from base64 import b64encode
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

import pytest
from https_server import DOMAIN

from conformance.apps.package.model.steps import CommandStep, RequestStep, Step
from conformance.apps.package.steps import AppAccess, StepFailed, run_steps
from conformance.common.pki import ServerCertificate
from conformance.common.timeouts import Timeouts
from conformance.kube.errors import ApiError
from conformance.services.ingress import HttpClient

PASSWORD = "geheim-4711"


class Feeds(BaseHTTPRequestHandler):
    """An app that says what it was sent, and misbehaves where it is asked to."""

    seen: ClassVar[list[dict[str, Any]]] = []

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_request(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        self.seen.append({"request": self.requestline.rpartition(" ")[0], "body": body,
                          "headers": dict(self.headers)})  # fmt: skip
        if self.path == "/v1/feeds" and self.command == "POST":
            answer = {"feed_id": 42, "items": [{"name": "first"}], "nothing": {}}
            self.answer(201, json.dumps(answer).encode())
        elif self.path == "/login":
            self.answer(302, b"", Location="/home", Set_Cookie="session=abc")
        elif self.path == "/away":
            self.answer(302, b"", Location="https://elsewhere.example/")
        elif self.path == "/broken":
            self.answer(500, f"password {PASSWORD} is \x1b[31mwrong {'x' * 1000}".encode())
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):  # the reader goes away
                for _ in range(200):
                    self.wfile.write(b"x" * 65536)
        elif self.path == "/deep":
            self.answer(200, b"[" * 100_000)
        elif self.path == "/silent":
            self.close_connection = True
        else:
            self.answer(200, f"hello {self.headers.get('Cookie')}".encode())

    do_GET = do_POST = do_PUT = do_HEAD = handle_request

    def log_message(self, *_: object) -> None:
        pass


HANDLER = Feeds


@pytest.fixture
def commands() -> list[tuple[str | None, list[str], bytes]]:
    return []


@pytest.fixture
def app(
    certificate: ServerCertificate,
    port: int,
    commands: list[tuple[str | None, list[str], bytes]],
) -> AppAccess:
    def run(container: str | None, argv: Sequence[str], stdin: bytes) -> bytes:
        commands.append((container, [*argv], stdin))
        if argv[0] == "false":
            raise AssertionError(f"false ended with exit status 1: no {PASSWORD}")
        if argv[0] == "none":
            raise ApiError("EXEC pod", 500, "InternalError", "no such file")
        return b" told \n"

    def secret(name: str, key: str) -> str:
        return {("admin", "password"): PASSWORD}[name, key]

    Feeds.seen.clear()
    return AppAccess(
        HttpClient(DOMAIN, "127.0.0.1", certificate.ca_certificate),
        DOMAIN,
        f"feeds.{DOMAIN}:{port}",
        run,
        secret,
        Timeouts(http=5),
    )


def request(text: str, **more: Any) -> RequestStep:
    return RequestStep.model_validate({"request": text, **more})


def command(*argv: str, **more: Any) -> CommandStep:
    return CommandStep.model_validate({"run": argv, **more})


def failure(app: AppAccess, *steps: Step) -> str:
    with pytest.raises(StepFailed) as caught:
        run_steps("seed", steps, app, "wort")
    return str(caught.value)


def test_what_is_described_is_sent(app: AppAccess) -> None:
    step = request(
        "POST /v1/feeds",
        user="admin",
        password="${secret:admin/password}",
        headers={"X-Of": "${host}"},
        json={"url": "https://${host}/feed-${seed}", "deep": [{"at": "${domain}"}], "n": 1},
        status=201,
        contains="feed_id",
    )
    run_steps("seed", [step], app, "wort")
    [seen] = Feeds.seen
    assert seen["request"] == "POST /v1/feeds"
    assert json.loads(seen["body"]) == {
        "url": f"https://{app.host}/feed-wort",
        "deep": [{"at": DOMAIN}],
        "n": 1,
    }
    basic = b64encode(f"admin:{PASSWORD}".encode()).decode()
    assert seen["headers"]["Authorization"] == f"Basic {basic}"
    assert seen["headers"]["X-Of"] == app.host
    assert seen["headers"]["Host"] == app.host


def test_forms_files_and_plain_bodies_are_sent(app: AppAccess) -> None:
    run_steps(
        "seed",
        [
            request("POST /form", form={"title": "a ${seed}"}),
            request("POST /file", form={"a": "b"}, file={"it": ["${seed}.txt", "in ${seed}"]}),
            request("PUT /body", body="ü$${seed}"),
        ],
        app,
        "wort",
    )
    form, file, body = (seen["body"] for seen in Feeds.seen)
    assert form == "title=a+wort"
    assert 'name="it"; filename="wort.txt"' in file
    assert "in wort" in file
    assert 'name="a"' in file
    assert body == "ü${seed}"


def test_what_is_saved_is_used_later_with_its_type(app: AppAccess) -> None:
    seeded = run_steps(
        "seed",
        [
            request(
                "POST /v1/feeds", status=201, save={"feed": "feed_id", "first": "items.0.name"}
            ),
            command("token", save={"token": "."}),
        ],
        app,
        "wort",
    )
    assert seeded == {"feed": 42, "first": "first", "token": "told"}
    step = request("PUT /v1/feeds/${feed}", json={"id": "${feed}", "is": "no ${feed}"})
    assert run_steps("verify", [step], app, "wort", seeded) == seeded
    assert Feeds.seen[-1]["request"] == "PUT /v1/feeds/42"
    assert json.loads(Feeds.seen[-1]["body"]) == {"id": 42, "is": "no 42"}


def test_a_command_runs_where_it_is_described(
    app: AppAccess, commands: list[tuple[str | None, list[str], bytes]]
) -> None:
    steps = [command("a", "${seed}", stdin="for ${host}", container="db", contains="told")]
    run_steps("seed", [*steps, command("b")], app, "wort")
    assert commands == [
        ("db", ["a", "wort"], f"for {app.host}".encode()),
        (None, ["b"], b""),
    ]


def test_a_session_lasts_as_long_as_the_steps(app: AppAccess) -> None:
    steps = [request("GET /login"), request("GET /home", contains="session=abc")]
    run_steps("seed", steps, app, "wort")
    run_steps("verify", [request("GET /home", contains="hello None")], app, "wort")


def test_a_redirect_is_an_answer_where_it_is_expected(app: AppAccess) -> None:
    run_steps("seed", [request("GET /login", status=302)], app, "wort")
    assert [seen["request"] for seen in Feeds.seen] == ["GET /login"]


def test_a_wrong_status_is_reported_with_the_answer(app: AppAccess) -> None:
    ok = request("GET /")
    told = failure(app, ok, request("GET /broken", user="a", password="${secret:admin/password}"))
    assert told.startswith(
        "seed step 2 (GET /broken): status 200 to 299 is expected; the answer has status 500: "
        "password *** is \\x1b[31mwrong xxx"
    )
    assert told.endswith("x...")
    assert len(told) < 650
    told = failure(app, request("GET /", status=201))
    assert "status 201 is expected; the answer has status 200: hello" in told


def test_a_missing_text_is_reported(app: AppAccess) -> None:
    assert failure(app, request("GET /home", contains="feed-${seed}")) == (
        'seed step 1 (GET /home): the text "feed-wort" is expected; there is: hello None'
    )
    assert failure(app, command("a", "b", contains="x")) == (
        'seed step 1 (run a b): the text "x" is expected; there is: told'
    )


def test_no_answer_is_reported(app: AppAccess) -> None:
    assert "status 200 to 299 is expected; there was no answer:" in failure(
        app, request("GET /silent")
    )


def test_nothing_outside_of_the_platform_is_asked(app: AppAccess) -> None:
    assert "elsewhere.example is not a name of the platform" in failure(app, request("GET /away"))


def test_an_answer_without_end_is_not_read_to_it(app: AppAccess) -> None:
    assert "a shorter answer is expected" in failure(app, request("GET /endless"))


def test_a_slow_answer_is_given_up(app: AppAccess) -> None:
    slow = AppAccess(app.session, app.domain, app.host, app.run, app.secret, Timeouts(transfer=0))
    assert "did not end within 0 s" in failure(slow, request("GET /"))


def test_a_command_that_fails_is_reported_without_secrets(app: AppAccess) -> None:
    assert failure(app, command("a", "${secret:admin/password}"), command("false")) == (
        "seed step 2 (run false): the command is expected to succeed; "
        "false ended with exit status 1: no ***"
    )


def test_a_command_that_is_not_there_is_reported(app: AppAccess) -> None:
    assert failure(app, command("none")) == (
        "seed step 1 (run none): the command is expected to succeed; "
        "EXEC pod: no such file (500 InternalError)"
    )


@pytest.mark.parametrize(
    ("save", "expected"),
    [
        ({"a": "feed"}, "a value at feed is expected, to save it"),
        ({"a": "items.1"}, "a value at items.1 is expected, to save it"),
        ({"a": "nothing"}, "a text or a number at nothing is expected, to save it"),
    ],
)
def test_what_cannot_be_saved_is_reported(
    save: dict[str, str], expected: str, app: AppAccess
) -> None:
    told = failure(app, request("POST /v1/feeds", save=save))
    assert expected in told
    assert '{"feed_id": 42' in told


def test_only_json_has_parts_to_save(app: AppAccess) -> None:
    assert "JSON is expected, to save a part of it; hello None" in failure(
        app, request("GET /", save={"a": "b"})
    )


def test_json_that_is_nested_without_end_is_none(app: AppAccess) -> None:
    told = failure(app, request("GET /deep", save={"a": "b"}))
    assert "JSON is expected, to save a part of it; [[[" in told


def test_a_secret_that_is_not_there_is_reported(app: AppAccess) -> None:
    assert failure(app, request("GET /", user="a", password="${secret:admin/pass}")) == (
        "seed step 1 (GET /): Secret admin with the key pass is expected;"
        " it is not in the app's namespace"
    )


def test_a_variable_that_nobody_saved_is_reported(app: AppAccess) -> None:
    assert "a value for ${feed} is expected; no step has saved it" in failure(
        app, request("GET /${feed}")
    )
