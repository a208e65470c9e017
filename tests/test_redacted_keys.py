"""A private key that nobody has learnt is hidden as a whole, however it is written."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from conformance.common.redaction import Redactor

# Put together here, so that no file of this project looks like one that holds a key.
BEGIN, END = (f"-----{word} RSA PRIVATE " + "KEY-----\n" for word in ("BEGIN", "END"))
KEY = BEGIN + ("MII/pAIBAAKCAQ+A" * 4 + "\n") * 25 + "MIIlast==\n" + END


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def wrapped(text: str, columns: int, indent: str = "") -> str:
    return "\n".join(indent + text[at : at + columns] for at in range(0, len(text), columns))


def prefixed(text: str, prefix: str) -> str:
    return "".join(prefix + line for line in text.splitlines(keepends=True))


@pytest.mark.parametrize(
    "text",
    [
        prefixed(KEY, "2026 | "),
        prefixed(KEY, "2026-11-30T10:00:00.123456789Z stdout F "),
        prefixed(KEY, "[pod/notes-5d81fb4b-11ab/app] "),
        prefixed(KEY.replace("\n", "\r\n"), "> "),
        json.dumps(prefixed(KEY, "2026 | ")),
        "\n".join(
            json.dumps({"log": line, "stream": "stderr", "time": "2026-11-30T10:00:00.123456789Z"})
            for line in KEY.splitlines(keepends=True)
        ),
        KEY,
        json.dumps(KEY),
        quote(KEY),
        quote(quote(KEY, safe=""), safe=""),
        "key=" + quote_plus(KEY),
        wrapped(encoded(KEY), 64),
        wrapped(encoded(KEY), 76, "    "),
        wrapped(encoded(KEY), 76).replace("\n", "\r\n"),
        json.dumps(wrapped(encoded(KEY), 76)),
        wrapped(encoded(KEY), 10_000),
    ],
)
def test_no_line_of_a_private_key_is_left(text: str):
    before, after = "Ready: 2026 app\n", "\nwell done\nsha256:" + "0a" * 32
    shown = Redactor().redact(f"{before}{text}{after}")
    left = text[: text.index("-----BEGIN" if "BEGIN" in text else encoded("-----BEGIN R")[:12])]
    assert shown.startswith(f"{before}{left}***")
    assert len(shown) < len(before + left + after) + 120
    for part in ("pAIB", "MII", encoded(KEY)[60:70], encoded(KEY)[-9:-1]):
        assert part not in shown
    assert shown.endswith(after)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"a: {encoded(KEY).rstrip('=')}\ntoken-of: app\ndone", "a: ***\ntoken-of: app\ndone"),
        (
            (BEGIN.strip() + ", is wanted\nlevel=info ready\n") * 2,
            "***, is wanted\nlevel=info ready\n***, is wanted\nlevel=info ready\n",
        ),
        (KEY + "2026 | " + "0a" * 32 + "\n", "***\n2026 | " + "0a" * 32 + "\n"),
    ],
)
def test_what_follows_a_private_key_stays_readable(text: str, left: str):
    assert left in Redactor().redact(text)


@pytest.mark.parametrize(
    "line",
    [
        "-----BEGIN PRIVATE " + "KEY-----",
        "-----BEGIN PRIVATE " + "KEY-----\n2026 | " + "a" * 300 + ".",
        encoded(KEY)[:64] + "\n" + " " * 100,
    ],
)
def test_text_full_of_keys_takes_no_longer_the_more_there_is(line: str):
    started = time.process_time()
    Redactor().redact(f"{line}\n" * (500_000 // len(line)))
    assert time.process_time() - started < 10


@pytest.mark.parametrize("text", [prefixed(KEY, "2026 | "), wrapped(encoded(KEY), 76)])
def test_a_private_key_that_lies_in_two_pieces_of_a_file(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("conformance.common.redaction._CHUNK", 5000)
    monkeypatch.setattr("conformance.common.redaction._OVERLAP", 4000)
    path = tmp_path / "log"
    for offset in range(0, 6000, 470):
        lines = "\n".join(["a: b"] * (offset // 5))
        path.write_text(f"{lines}\n{text}\nend: c\n{lines}")
        Redactor().redact_file(path)
        shown = path.read_text()
        assert shown.count("***") == 1
        assert "pAIB" not in shown
        assert len(shown) < 2 * len(lines) + 40
