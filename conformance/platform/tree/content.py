"""What is in a maintainer's repository: a folder as it is, or a clone of a URL."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from conformance.common import git
from conformance.common.errors import HarnessError

_URL = re.compile(r"[a-z][a-z0-9+.-]*://|[^/@]+@[^/:]+:")
"""How a URL begins, or an address as ssh has it; anything else is a folder."""
_GIT_SECONDS = 120.0
"""For one git command; a clone of one commit over a slow line."""
_FILES = 20_000
_BYTES = 256 << 20
"""More files or bytes than that are no tree of Flux, but a folder that was meant for another."""


@dataclass(frozen=True)
class Content:
    """The files of a repository."""

    files: Mapping[str, bytes]
    """Path in the repository -> content. Links are left out, as Flux leaves them out."""
    origin: str
    """Where they are from, and whether that is what was committed; for the terminal and the
    report."""
    clean: bool
    """Whether it is exactly what was committed."""


@contextlib.contextmanager
def opened(where: str, branch: str) -> Iterator[Path]:
    """Yield a folder with the repository that is at a folder or URL.

    Of a URL it is a clone of the branch's last commit; of a folder it is that folder, whatever is
    checked out there. Raises HarnessError if there is none.
    """
    if not _URL.match(where):
        folder = Path(where).resolve()
        if not folder.is_dir():
            raise HarnessError(
                f"{where}: there is no such folder",
                "give the folder of the platform's repository, or its URL",
            )
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="platform-repository-") as made:
        refused = _clone(where, branch, made).stderr.decode(errors="replace").strip()
        if not Path(made, ".git").is_dir():
            raise HarnessError(
                f"{without_password(where)} cannot be cloned, branch {branch}: {refused}",
                "give a URL that `git clone` takes here without asking, and --platform-branch",
            )
        yield Path(made)


def read(folder: Path, where: str) -> Content:
    """Return what is in a folder of ``where``: all that Git does not ignore, committed or not.

    Raises HarnessError if it cannot be read, or is no repository's size. Filters are not run, as
    ``git.ask`` says: a file of git-lfs is read as it was checked out, and may count as changed.
    """
    listed = _ask(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    is_clone = bool(_URL.match(where))
    name = without_password(where) if is_clone else folder.name
    if listed.returncode != 0:
        return Content(
            _read(folder, _walk(folder)), f"{name}, which Git does not know", clean=False
        )
    files = _read(
        folder, sorted({one for one in listed.stdout.decode(errors="replace").split("\0") if one})
    )
    commit = _ask(folder, "rev-parse", "--short=12", "HEAD").stdout.decode().strip()
    branch = _ask(folder, "symbolic-ref", "--short", "HEAD").stdout.decode().strip()
    origin = f"{name} at {f'commit {commit}' if commit else 'no commit'}"
    origin += f" of branch {branch}" if branch else ""
    # A folder inside a working copy is judged by what is in it.
    # A submodule's own files would be compared by another git, with the submodule's settings.
    status = ("status", "--porcelain", "-z", "--no-renames", "--ignore-submodules=dirty")
    compared = _ask(folder, *status, "--", ".")
    if compared.returncode != 0:
        said = compared.stderr.decode(errors="replace").strip()
        raise HarnessError(
            f"{name}: git cannot compare its files with what is committed: {said}",
            "give a full clone of the repository: `git clone` without --filter",
        )
    changed = [one for one in compared.stdout.decode(errors="replace").split("\0") if one]
    if changed:
        one_or_more = "1 file" if len(changed) == 1 else f"{len(changed)} files"
        origin += f", with {one_or_more} not committed"
    return Content(files, origin, clean=bool(commit) and not changed)


def without_password(url: str) -> str:
    """Return a URL without the user and password that may be in it."""
    parts = urlsplit(url)
    if not parts.scheme or "@" not in parts.netloc:
        return url
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _walk(folder: Path) -> Iterator[str]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if one != ".git")
        for name in sorted(names):
            yield Path(root, name).relative_to(folder).as_posix()


def _read(folder: Path, paths: Iterator[str] | list[str]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    inside = folder.resolve()
    for path in paths:
        file = folder / path
        # Deleted, a submodule's folder, or a link: it may be a folder on the way that is one.
        if os.path.realpath(file) != str(inside / path) or not file.is_file():
            continue
        try:
            files[path] = file.read_bytes()
        except OSError as error:
            raise HarnessError(
                f"{file} cannot be read: {error.strerror}",
                "make it readable, or have Git ignore it",
            ) from error
        total += len(files[path])
        if len(files) > _FILES or total > _BYTES:
            raise HarnessError(
                f"{folder} has more than {_FILES} files or {_BYTES >> 20} MiB",
                "give the folder of the platform's repository alone",
            )
    return files


@contextlib.contextmanager
def _told(command: str) -> Iterator[None]:
    """Say in a HarnessError why git gave no answer."""
    try:
        yield
    except FileNotFoundError as error:
        raise HarnessError("git is not installed", "apt-get install git") from error
    except subprocess.TimeoutExpired as error:
        raise HarnessError(
            f"git {command} did not end within {_GIT_SECONDS:g} s",
            "clone the repository, and give its folder: --platform-repository=FOLDER",
        ) from error


def _ask(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    # A run needs root, which does not own the maintainer's folder, and only reads it.
    with _told(arguments[0]):
        return git.ask(folder, *arguments, seconds=_GIT_SECONDS, owned_by_anybody=True)


def _clone(url: str, branch: str, folder: str) -> subprocess.CompletedProcess[bytes]:
    """Clone with git as the user has it, but without a question that nobody would answer."""
    environment = {**git.environment(), "GIT_TERMINAL_PROMPT": "0"}
    environment.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    depth = ("--quiet", "--depth=1", f"--branch={branch}")
    with _told("clone"):
        return subprocess.run(
            ["git", "-c", "safe.directory=*", "clone", *depth, "--", url, folder],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
