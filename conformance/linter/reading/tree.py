"""The files under PATH, read once and with limits: a folder, a chart archive or a single file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from conformance.common.errors import HarnessError
from conformance.linter.findings import Place, Problem, quoted
from conformance.linter.limits import MEBIBYTE, Limits
from conformance.linter.reading import archive
from conformance.linter.reading.archive import SKIPPED_FOLDERS
from conformance.linter.reading.links import Links, follow

YAML_SUFFIXES = (".yaml", ".yml")
_READ_FIRST = (*YAML_SUFFIXES, ".json", ".tpl", ".toml", ".txt", ".tgz", ".conf", ".ini")
"""Files that a chart or a Flux package is made of; others may be an app's source, or pictures."""
_SMALLER = "Split the file, or keep it out of the package."
_PROBLEMS = 100
_DEFAULT = Limits()


@dataclass(frozen=True, eq=False)
class Tree:
    """The regular files under PATH, and what links to them stand for."""

    name: str
    """The last part of the absolute PATH; of an archive without ``.tgz``."""
    tail: tuple[str, ...]
    """The parts of the absolute path of the folder; of an archive its only top folder, if any."""
    files: Mapping[str, bytes]
    """POSIX path relative to PATH -> content."""
    folders: frozenset[str]
    """Relative to PATH; ``.`` is among them."""
    problems: list[Problem]
    """What was left out, and why."""
    links: Links = field(default_factory=Links)
    _texts: dict[str, str | None] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, path: Path, limits: Limits = _DEFAULT) -> Tree:
        """Read what is at ``path``.

        Hidden folders (``.git``) and ``node_modules`` are not read. Raises HarnessError if there
        is nothing at ``path``, or it may not be read.
        """
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
        try:
            mode = absolute.stat().st_mode
            if stat.S_ISDIR(mode):
                return _read_folder(absolute, limits)
            if stat.S_ISREG(mode):
                return _read_file(absolute, limits)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise HarnessError(
                f"{shown(str(path))} cannot be read: {reason}",
                "give a chart's folder or .tgz, a Flux package's folder, or a .yaml file",
            ) from None
        raise HarnessError(
            f"{shown(str(path))} is neither a folder nor a file",
            "give a chart's folder or .tgz, a Flux package's folder, or a .yaml file",
        )

    def text(self, path: str) -> str | None:
        """Return a file as text, lines ending with ``\\n``; None if it is none, or not there."""
        if path not in self._texts:
            content = self.files.get(path)
            self._texts[path] = None if content is None else decode(content)
        return self._texts[path]


def decode(content: bytes) -> str | None:
    """Return the text of a file: UTF-8, without a byte order mark; None if it is none."""
    if b"\0" in content:
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return text.replace("\r\n", "\n") if "\r" in text else text


def shown(name: str) -> str:
    """Return a file name as a message shows it: on one line, whatever is in it."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in name)[:300]


class _Reader:
    """Collects files and what is wrong with them."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.files: dict[str, bytes] = {}
        self.folders = {"."}
        self.problems: list[Problem] = []
        self.links: list[tuple[str, bytes]] = []
        """Path relative to PATH, and the real one."""
        self.room = limits.total_bytes

    def problem(self, file: str, message: str, fix: str = "") -> None:
        if len(self.problems) < _PROBLEMS:
            self.problems.append(Problem(Place(file), message, fix))

    def tree(self, name: str, tail: tuple[str, ...], links: Links | None = None) -> Tree:
        texts = {}
        for file, content in self.files.items():
            if file.endswith(YAML_SUFFIXES):
                texts[file] = decode(content)
                if texts[file] is None:
                    self.problem(
                        file,
                        f"{quoted(shown(file))} is named like YAML but is not UTF-8 text",
                        "Save the file as UTF-8 text, or give it another name.",
                    )
        folders = frozenset(self.folders)
        return Tree(name, tail, self.files, folders, self.problems, links or Links(), texts)


def _read_folder(root: Path, limits: Limits) -> Tree:
    reader = _Reader(limits)
    found = sorted(_walk(root, reader), key=lambda item: (_order(item[0]), item[0]))
    unread = 0
    for name, path, size in found:
        wanted = name.endswith(_READ_FIRST)
        if size > limits.file_bytes:
            if wanted:
                reader.problem(name, _too_large(name, limits), _SMALLER)
            continue
        if size > reader.room:
            unread += wanted
            continue
        content = _content(path, name, reader)
        if content is not None:
            reader.files[name] = content
            reader.room -= len(content)
    if unread:
        reader.problem(
            "",
            f"the files are more than {limits.total_bytes // MEBIBYTE} MiB together: "
            f"{unread} of them were not read",
            "Check a smaller folder.",
        )
    links = follow(root, reader.links, reader.files, reader.folders, limits.files)
    return reader.tree(root.name, root.parts[1:], links)


def _order(name: str) -> int:
    return 0 if name.endswith(YAML_SUFFIXES) else 1 if name.endswith(_READ_FIRST) else 2


def _too_large(name: str, limits: Limits) -> str:
    return f"{quoted(shown(name))} is larger than {limits.file_bytes / MEBIBYTE:g} MiB: not read"


def _walk(root: Path, reader: _Reader) -> Iterator[tuple[str, bytes, int]]:
    """Yield path relative to ``root``, the real path and the size in bytes of each file."""
    waiting = [(os.fsencode(root), "")]
    count = 0
    while waiting:
        folder, prefix = waiting.pop()
        try:
            entries = os.scandir(folder)
        except OSError as error:
            if not prefix:
                raise
            reader.problem(prefix[:-1], f"the folder cannot be read: {error.strerror}")
            continue
        with entries:
            for entry in entries:
                count += 1
                if count > reader.limits.files:
                    reader.problem(
                        "",
                        f"more than {reader.limits.files} files and folders: the rest is not read",
                        "Check a smaller folder.",
                    )
                    return
                try:
                    found = _entry(entry, prefix, reader)
                except OSError as error:
                    reader.problem(prefix[:-1], f"a file cannot be read: {error.strerror}")
                    continue
                if found is None:
                    continue
                name, size = found
                if size is None:
                    waiting.append((entry.path, f"{name}/"))
                else:
                    yield name, entry.path, size


def _entry(
    entry: os.DirEntry[bytes], prefix: str, reader: _Reader
) -> tuple[str, int | None] | None:
    """Return a file's path and its size in bytes, a folder's path and None, or None to skip it."""
    base = entry.name.decode("utf-8", "replace")
    name = prefix + base
    if entry.is_symlink():
        reader.links.append((name, entry.path))
    elif entry.is_file(follow_symlinks=False):
        return name, entry.stat(follow_symlinks=False).st_size
    elif not entry.is_dir(follow_symlinks=False):
        reader.problem(name, f"{quoted(shown(name))} is not a regular file: ignored")
    elif name.count("/") >= reader.limits.depth:
        reader.problem(name, "folders are nested too deep here: not read", "Nest them less deep.")
    elif not base.startswith(".") and base not in SKIPPED_FOLDERS:
        reader.folders.add(name)
        return name, None
    return None


def _content(path: bytes, name: str, reader: _Reader) -> bytes | None:
    """Read a file that may have become anything since it was listed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return None
            # Read into room for the largest file, each would keep a page of memory.
            content = file.read(min(status.st_size, reader.limits.file_bytes) + 1)
    except OSError as error:
        reader.problem(name, f"{quoted(shown(name))} cannot be read: {error.strerror}")
        return None
    if len(content) > reader.limits.file_bytes:
        reader.problem(name, _too_large(name, reader.limits), _SMALLER)
        return None
    return content


def _read_file(path: Path, limits: Limits) -> Tree:
    reader = _Reader(limits)
    with path.open("rb") as file:
        magic = file.read(2)
        file.seek(0)
        if magic == archive.GZIP_MAGIC or path.name.endswith(archive.SUFFIXES):
            unpacked = archive.unpack(file, limits, reader.problem)
            for name, content in unpacked.items():
                reader.files[name] = content
                parents = PurePosixPath(name).parents
                reader.folders.update(str(parent) for parent in parents)
            return reader.tree(archive.stem(path.name), _strip_top(reader))
        content = file.read(limits.file_bytes + 1)
    name = os.fsencode(path.name).decode("utf-8", "replace")
    if len(content) > limits.file_bytes:
        reader.problem(name, _too_large(name, limits), _SMALLER)
    else:
        reader.files[name] = content
    return reader.tree(name, path.parent.parts[1:])


def _strip_top(reader: _Reader) -> tuple[str, ...]:
    """Take the folder away that everything in an archive is under, as in a chart's; return it."""
    tops = {name.split("/", 1)[0] for name in reader.files}
    if len(tops) != 1 or any("/" not in name for name in reader.files):
        return ()
    top = tops.pop()
    cut = len(top) + 1
    reader.files = {name[cut:]: content for name, content in reader.files.items()}
    reader.folders = {folder[cut:] or "." for folder in reader.folders}
    reader.problems = [
        Problem(Place(problem.place.file.removeprefix(f"{top}/")), problem.message, problem.fix)
        for problem in reader.problems
    ]
    return (top,)
