"""The notes app itself, as processes of both versions on one volume."""

from __future__ import annotations

import hashlib
import http.client
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from notes_server import Host, build

OVERRIDE = 'title = "from file"\nhostname = "file.test"\n'


@pytest.fixture(scope="module")
def v1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("v1"), "1.0.0")


@pytest.fixture(scope="module")
def v2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("v2"), "2.0.0")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    made.kill()


@pytest.fixture(scope="module")
def running(v2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A server for the tests that leave it as they found it, but for more notes."""
    made = Host(tmp_path_factory.mktemp("running"))
    made.environment["NOTES_TITLE"] = "<i>title</i>"
    made.environment["NOTES_API_TOKEN_FILE"] = str(made.configuration / "api-token")
    made.serve(v2)
    yield made
    made.kill()


def add(host: Host, text: str) -> None:
    answer = host.session.post(f"{host.url}/api/notes", json={"text": text})
    assert answer.status_code == 201


def raw(host: Host, method: str, path: str, body: bytes | None = None) -> int:
    """Send a path as it is; requests would normalise it."""
    with closing(http.client.HTTPConnection(urlsplit(host.url).netloc, timeout=5)) as connection:
        connection.request(method, path, body)
        return connection.getresponse().status


def test_environment_wins_over_file_wins_over_default(host: Host, v2: Path) -> None:
    host.serve(v2)
    without = host.session.get(f"{host.url}/api/config").json()
    assert without["values"]["title"] == "Notes"
    host.kill()

    (host.configuration / "override.toml").write_text(OVERRIDE)
    host.environment["NOTES_TITLE"] = "from environment"
    host.serve(v2)
    both = host.session.get(f"{host.url}/api/config").json()
    assert (both["values"]["title"], both["sources"]["title"]) == (
        "from environment",
        "environment",
    )
    assert (both["values"]["hostname"], both["sources"]["hostname"]) == ("file.test", "file")
    assert both["sources"]["api_token_file"] == "default"
    assert both["digest"] != without["digest"]
    page = host.session.get(host.url).text
    assert "from environment" in page
    assert "file.test" in page
    assert f"Listening at: http://0.0.0.0:{host.url.rpartition(':')[2]}" in host.log.read_text()


@pytest.mark.parametrize(
    ("override", "environment", "told"),
    [
        ("titel = 'x'", {}, "unknown key titel (from: file)"),
        ("port = 0", {}, "port must be 1 to 65535, not 0 (from: file)"),
        ("title = ", {}, "override.toml is not TOML"),
        ("", {"NOTES_PORT": "tcp://10.96.0.7:80"}, "set enableServiceLinks: false"),
        ("", {"NOTES_LOG_FILE": "/does/not/exist"}, "data or log is not writable"),
    ],
)
def test_unusable_configuration_ends_with_the_reason(
    host: Host, v1: Path, override: str, environment: dict[str, str], told: str
) -> None:
    del host.environment["NOTES_PORT"]
    host.environment |= environment
    (host.configuration / "override.toml").write_text(override)
    result = host.run(v1, "serve")
    assert result.returncode == 1
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_old_data_is_migrated_once_and_newer_data_refused(host: Host, v1: Path, v2: Path) -> None:
    host.serve(v1)
    add(host, "an old #Note")
    assert "tags" not in host.session.get(f"{host.url}/api/notes/1").json()
    host.kill()

    unmigrated = host.run(v2, "serve")
    assert unmigrated.returncode == 1
    assert "has schema 1, notes 2.0.0 needs schema 2: run notes-migrate" in unmigrated.stderr

    assert "migrated from schema 1 to schema 2" in host.run(v2, "migrate").stdout
    assert "already schema 2" in host.run(v2, "migrate").stdout
    host.serve(v2)
    note = host.session.get(f"{host.url}/api/notes/1").json()
    assert (note["text"], note["tags"]) == ("an old #Note", ["note"])
    assert host.session.get(f"{host.url}/version").json()["schema"] == 2
    host.kill()

    for command in ("migrate", "serve"):
        refused = host.run(v1, command)
        assert refused.returncode == 1
        assert "schema 2, newer than schema 1 of notes 1.0.0" in refused.stderr


def test_failed_migration_leaves_the_old_version_its_data(
    host: Host, v1: Path, tmp_path: Path
) -> None:
    host.serve(v1)
    add(host, "keep me")
    host.kill()
    broken = build(tmp_path / "broken", "2.0.0")
    schema = broken / "notes" / "schema.py"
    failing = "    connection.execute('INSERT INTO nowhere VALUES (1)')\n"
    schema.write_text(schema.read_text().replace("\n\nMIGRATIONS", f"{failing}\n\nMIGRATIONS", 1))

    result = host.run(broken, "migrate")
    assert result.returncode == 1
    assert "no such table: nowhere" in result.stderr
    host.serve(v1)
    assert host.session.get(f"{host.url}/api/notes/1").json()["text"] == "keep me"


def test_what_was_acknowledged_is_there_after_sigkill(host: Host, v2: Path) -> None:
    content = bytes(range(256)) * 10_000
    host.serve(v2)
    add(host, "acknowledged")
    told = host.session.put(f"{host.url}/api/attachments/a/b/ü.bin", data=content)
    host.kill()
    assert told.status_code == 201
    assert told.json()["sha256"] == hashlib.sha256(content).hexdigest()
    assert (host.data / "attachments" / "a" / "b" / "ü.bin").read_bytes() == content
    with closing(sqlite3.connect(host.data / "notes.db")) as database:
        assert database.execute("SELECT text FROM notes").fetchall() == [("acknowledged",)]


def test_an_upload_that_breaks_off_leaves_nothing(running: Host) -> None:
    address = urlsplit(running.url)
    with socket.create_connection((address.hostname or "", address.port or 0), 5) as connection:
        connection.sendall(
            b"PUT /api/attachments/part HTTP/1.1\r\n"
            b"Host: notes\r\nContent-Length: 1000\r\n\r\nbeginning"
        )
        connection.shutdown(socket.SHUT_WR)
        assert b" 400 " in connection.recv(4096).splitlines()[0]
    assert running.session.get(f"{running.url}/api/attachments/part").status_code == 404
    assert list((running.data / "incoming").iterdir()) == []


def test_attachments_stay_in_their_folder(running: Host) -> None:
    (running.data / "attachments" / "out").symlink_to(running.data)
    for name in ("../notes.db", "%2e%2e/notes.db", "a/%2e%2e/%2e%2e/notes.db", "out/notes.db"):
        path = f"/api/attachments/{name}"
        assert raw(running, "GET", path) == 400
        assert raw(running, "PUT", path, b"overwritten") == 400
    assert (running.data / "notes.db").read_bytes().startswith(b"SQLite format 3")
    (running.data / "attachments" / "out").unlink()


def test_page_escapes_what_people_write(running: Host) -> None:
    answer = running.session.post(running.url, data={"text": "<script>alert(1)</script>"})
    assert answer.history[0].status_code == 303
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert "<script" not in answer.text
    assert "<i>" not in answer.text


def test_no_browser_keeps_what_it_shows(running: Host) -> None:
    url = f"{running.url}/api/attachments/kept.txt"
    assert running.session.put(url, data=b"kept?").status_code == 201
    for each in (f"{running.url}/", f"{running.url}/api/notes", url):
        assert running.session.get(each).headers["Cache-Control"] == "no-store"


def test_maintenance_is_unready_but_alive_and_readable(running: Host) -> None:
    assert running.session.get(f"{running.url}/health/ready").status_code == 200
    running.maintenance.touch()
    unready = running.session.get(f"{running.url}/health/ready")
    assert unready.status_code == 503
    assert "maintenance" in unready.json()["reason"]
    assert running.session.get(f"{running.url}/health/live").status_code == 200
    assert running.session.get(f"{running.url}/api/notes").status_code == 200
    assert running.session.post(f"{running.url}/api/notes", json={"text": "x"}).status_code == 503
    running.maintenance.unlink()
    assert running.session.get(f"{running.url}/health/ready").status_code == 200


def test_a_database_that_cannot_be_written_is_unready(running: Host) -> None:
    with closing(sqlite3.connect(running.data / "notes.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        unready = running.session.get(f"{running.url}/health/ready")
    assert unready.status_code == 503
    assert "locked" in unready.json()["reason"]


def test_a_database_in_which_one_write_takes_long_is_ready(running: Host) -> None:
    with closing(sqlite3.connect(running.data / "notes.db", check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        written = threading.Timer(2.5, other.rollback)
        written.start()
        ready = running.session.get(f"{running.url}/health/ready")
        written.join()
    assert ready.status_code == 200, ready.text


def test_a_mounted_token_is_what_deleting_takes(running: Host) -> None:
    created = running.session.post(f"{running.url}/api/notes", json={"text": "x #tag"})
    url = f"{running.url}{created.headers['Location']}"
    token = running.configuration / "api-token"
    token.write_text("correct horse\n")
    assert running.session.delete(url).status_code == 401
    assert running.session.delete(url, headers={"X-Api-Token": "wrong"}).status_code == 401
    assert "correct horse" not in running.session.get(f"{running.url}/api/config").text
    assert running.session.delete(url, headers={"X-Api-Token": "correct horse"}).status_code == 204
    assert running.session.get(url).status_code == 404
    token.unlink()
