"""What a check leaves behind besides its verdict: files, numbers, remarks. All of it redacted."""

from __future__ import annotations

import hashlib
import mimetypes
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from conformance.common.load import Load, LoadMeter
from conformance.report.results import Evidence, Measurement

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_TEXT_TYPES = {
    ".log": "text/plain",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".json": "application/json",
}
_BINARY = ("image/", "audio/", "video/", "font/")


class RedactsText(Protocol):
    """What evidence needs of ``conformance.common.redaction.Redactor``."""

    def redact(self, text: str) -> str:
        """Return ``text`` without secret values."""


def file_name(name: str) -> str:
    """Return ``name`` as a file name that is safe everywhere and not longer than 100 characters."""
    return _UNSAFE.sub("-", name).strip("-.")[:100] or "unnamed"


def media_type(path: Path) -> str:
    """Return the media type by the file's extension; plain text when it says nothing."""
    return _TEXT_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"


class EvidenceBox:
    """The evidence of one check: the fixture ``evidence``.

    Thread-safe: what collects the cluster's state may have been given up, and still be at it.
    """

    def __init__(self, report_root: Path, folder: str, redactor: RedactsText) -> None:
        self._root = report_root
        self._folder = report_root / "evidence" / folder
        self._redactor = redactor
        self.notes: list[str] = []
        self.measurements: list[Measurement] = []
        self._files: dict[Path, Evidence] = {}
        self._closed = False
        self._lock = threading.Lock()

    def attach(self, name: str, content: str | bytes | Path) -> Path:
        """Keep text, bytes, a file or a folder of files under ``name``; returns where it is.

        Everything but images is text, which is redacted, also when it comes as bytes or files; a
        byte that is none of it becomes a replacement character. The extension of ``name`` says what
        it is. After ``close`` nothing is kept any more.
        """
        if isinstance(content, Path) and content.is_dir():
            for path in sorted(p for p in content.rglob("*") if p.is_file()):
                self._keep(f"{name}/{path.relative_to(content)}", path.read_bytes())
            return self._folder / file_name(name)
        data = content.read_bytes() if isinstance(content, Path) else content
        return self._keep(name, data)

    def screenshot(self, name: str, jpeg: bytes) -> Path:
        """Keep a JPEG image; the HTML report shows it."""
        return self._keep(f"{name}.jpg", jpeg)

    def measure(
        self, name: str, value: float, unit: str = "s", *, load: Load | None = None
    ) -> None:
        """Report a number that was observed, such as the seconds a roll-back took.

        ``load`` is how busy the machine was meanwhile, and is reported beside it.
        """
        self.measurements.append(Measurement(name=name, value=round(value, 3), unit=unit))
        if load is not None:
            self.measure(f"{name}: {load.name}", load.percent, "%")

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Report how many seconds the body takes, and how busy the machine was.

        If it fails, that is said with the error: a time-out may be the machine's.
        """
        meter, began = LoadMeter(), time.monotonic()
        try:
            yield
        except Exception as error:
            seconds = time.monotonic() - began
            error.add_note(f"{name}: given up after {seconds:.1f} s ({meter.read()})")
            raise
        self.measure(name, time.monotonic() - began, load=meter.read())

    def note(self, text: str) -> None:
        """Report a remark that a reader of the verdict should see."""
        self.notes.append(text)

    def files(self) -> list[Evidence]:
        """Return what is kept in the order in which it is read: a failure, summaries, all else.

        What is alike is in the order in which it was kept; the node's own logs come last.
        """
        with self._lock:
            return sorted(self._files.values(), key=_reading_order)

    def close(self) -> None:
        """Redact the texts once more: a value may have been learnt after they were written."""
        with self._lock:
            self._closed = True
            for path, kept in self._files.items():
                if is_text(path):
                    text = path.read_bytes().decode(errors="replace")
                    clean = self._redactor.redact(text)
                    if clean != text:
                        path.write_text(clean, encoding="utf-8")
                        self._files[path] = self._describe(kept.name, path)

    def _keep(self, name: str, data: str | bytes) -> Path:
        path = self._folder.joinpath(*(file_name(part) for part in name.split("/")))
        if isinstance(data, str) or is_text(path):
            text = data if isinstance(data, str) else data.decode(errors="replace")
            data = self._redactor.redact(text)
        with self._lock:
            if not self._closed:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data if isinstance(data, bytes) else data.encode(errors="replace"))
                self._files[path] = self._describe(name, path)
        return path

    def _describe(self, name: str, path: Path) -> Evidence:
        data = path.read_bytes()
        return Evidence(
            name=name,
            path=path.relative_to(self._root).as_posix(),
            sha256=hashlib.sha256(data).hexdigest(),
            bytes=len(data),
            media_type=media_type(path),
        )


def _reading_order(evidence: Evidence) -> int:
    if evidence.name == "failure.txt":
        return 0
    if evidence.name.endswith("/summary.txt"):
        return 1
    return 3 if evidence.name.startswith("node/") else 2


def failure_text(error: BaseException, traceback: str) -> str:
    """Return the text of failure.txt: what was seen, then pytest's account of how it came to it.

    That account begins with the representations of all fixtures, which can be long.
    """
    said = [str(error).strip() or type(error).__name__, *getattr(error, "__notes__", ())]
    return "\n".join([*said, "", "Where:", "", traceback])


def is_text(path: Path) -> bool:
    """Return whether a file's extension says that it may be read, and searched for secrets."""
    return not media_type(path).startswith(_BINARY)
