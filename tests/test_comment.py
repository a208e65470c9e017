"""A result is one comment of a merge or pull request, however often it is written."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from http.client import IncompleteRead, RemoteDisconnected
from pathlib import Path

import pytest
from stub_forge import TOKEN, StubForge, stub_forge

from conformance import cli
from conformance.common.errors import HarnessError

LISTED = {
    "github": "/repos/stackspin/notes/issues/7/comments",
    "gitlab": "/projects/3/merge_requests/7/notes",
}
CHANGED = {
    "github": "PATCH /repos/stackspin/notes/issues/comments/",
    "gitlab": f"PUT {LISTED['gitlab']}/",
}
NAME = "packages in charts --> x"
MARKER = "<!-- stackspin-conformance: packages in charts --%3E x -->"


@pytest.fixture
def forge() -> Iterator[StubForge]:
    with stub_forge() as forge:
        yield forge


@pytest.fixture(params=["github", "gitlab"])
def job(
    request: pytest.FixtureRequest,
    forge: StubForge,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> str:
    """The forge whose job this is."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    variables = {
        "github": {
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_API_URL": forge.address,
            "GITHUB_REPOSITORY": "stackspin/notes",
        },
        "gitlab": {
            "CI_MERGE_REQUEST_IID": "7",
            "CI_API_V4_URL": forge.address,
            "CI_PROJECT_ID": "3",
        },
    }
    for name in (name for each in variables.values() for name in each):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables[request.param].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STACKSPIN_COMMENT_TOKEN", TOKEN)
    return str(request.param)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return tmp_path / "comment.md"


def write(text: Path, said: str, *options: str) -> int:
    text.write_text(said)
    return cli.run(["comment", str(text), *options])


def test_a_later_push_replaces_the_comment_among_all_others(
    forge: StubForge, job: str, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forge.comments = dict.fromkeys(range(1, 151), f"Looks good, {MARKER}")
    assert write(text, "two errors", "--name", NAME) == 0
    assert forge.comments[151] == f"{MARKER}\ntwo errors"
    assert write(text, "no error", "--name", NAME) == 0
    assert forge.comments[151] == f"{MARKER}\nno error"
    assert len(forge.comments) == 151
    changes = [one for one in forge.asked if not one.startswith("GET ")]
    assert changes == [f"POST {LISTED[job]}", f"{CHANGED[job]}151"]
    said = capsys.readouterr().out.splitlines()
    assert said == ["The comment is written.", "The comment is up to date."]


@pytest.mark.usefixtures("job")
def test_comments_of_other_names_stay(forge: StubForge, text: Path) -> None:
    for name in ("a", "b"):
        assert write(text, f"of {name}", "--name", name) == 0
    assert [said.partition("\n")[2] for said in forge.comments.values()] == ["of a", "of b"]


@pytest.mark.usefixtures("job")
def test_who_may_not_replace_a_comment_writes_another(
    forge: StubForge,
    text: Path,
) -> None:
    forge.comments = {1: f"{MARKER}\nforged", 2: f"{MARKER}\nours"}
    forge.of_others = {1}
    assert write(text, "now", "--name", NAME) == 0
    assert forge.comments == {1: f"{MARKER}\nforged", 2: f"{MARKER}\nnow"}
    forge.of_others = {1, 2}
    assert write(text, "later", "--name", NAME) == 0
    assert forge.comments[3] == f"{MARKER}\nlater"


@pytest.mark.usefixtures("job")
def test_a_token_that_may_not_write_is_told(
    forge: StubForge,
    text: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STACKSPIN_COMMENT_TOKEN", "of-a-fork")
    with pytest.raises(HarnessError, match="403") as refused:
        write(text, "x")
    assert "a token that may write comments" in refused.value.fix
    monkeypatch.delenv("STACKSPIN_COMMENT_TOKEN")
    with pytest.raises(HarnessError, match="STACKSPIN_COMMENT_TOKEN is not set"):
        write(text, "x")
    assert forge.comments == {}


@pytest.mark.usefixtures("job")
@pytest.mark.parametrize("token", [f"{TOKEN}\n", f"{TOKEN} ", f"{TOKEN}\N{EURO SIGN}"])
def test_a_token_that_cannot_be_sent_is_not_shown(
    text: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("STACKSPIN_COMMENT_TOKEN", token)
    with pytest.raises(HarnessError, match="that no token has") as raised:
        write(text, "x")
    assert TOKEN not in str(raised.value)


@pytest.mark.usefixtures("job")
def test_no_line_is_a_command_to_the_forge(forge: StubForge, text: Path) -> None:
    assert write(text, "/approve\nsee /merge\n\n/merge\n", "--name", NAME) == 0
    assert forge.comments == {1: f"{MARKER}\n /approve\nsee /merge\n\n /merge\n"}


@pytest.mark.usefixtures("job")
@pytest.mark.parametrize("error", [RemoteDisconnected("closed"), IncompleteRead(b"")])
def test_a_forge_that_hangs_up_is_an_error_that_names_it(
    text: Path, forge: StubForge, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def hang_up(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(urllib.request, "urlopen", hang_up)
    with pytest.raises(HarnessError, match=f"no comment: {forge.address}") as raised:
        write(text, "x")
    assert "run the job again" in raised.value.fix


@pytest.mark.parametrize("job", ["github"], indirect=True)
@pytest.mark.usefixtures("job")
def test_a_job_about_no_request_writes_nothing(
    forge: StubForge,
    text: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "event.json").write_text("{}")
    assert write(text, "x") == 0
    monkeypatch.delenv("GITHUB_EVENT_PATH")
    assert write(text, "x") == 0
    assert forge.asked == []


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"none\.md cannot be read"):
        cli.run(["comment", str(tmp_path / "none.md")])


def test_a_file_that_is_no_text_is_named(text: Path) -> None:
    text.write_bytes(b"\xff")
    with pytest.raises(HarnessError, match=r"comment\.md cannot be read: it is not UTF-8"):
        cli.run(["comment", str(text)])
