"""Git in a repository that others wrote: it is read, and no program that it names is run.

Git runs programs that a repository's configuration names: a monitor of files, hooks, filters, the
check of a signature, and the way to a remote that has objects which are missing here. Whoever wrote
the repository may have written that, too.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_SETTINGS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",  # even `git diff` has one: post-index-change
    "log.showSignature=false",  # runs gpg.program
    # A folder of a repository may have files as a Git folder has them: HEAD, config, objects, refs.
    # As of 2.38, git then says that it cannot use it, also if that config says `bare = false`
    # (tried with 2.39.5). An older git reads that config as it reads any.
    "safe.bareRepository=explicit",
)
_OF_ANOTHER = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
"""Set by a hook of Git's that runs the suite: of the repository with the hook."""
_EMPTY = "STACKSPIN_CONFORMANCE_EMPTY"
"""A variable without text: a setting from it is empty, or false."""


def environment() -> dict[str, str]:
    """Return this process's variables, without those by which git takes another repository."""
    return {key: value for key, value in os.environ.items() if key not in _OF_ANOTHER}


def ask(
    folder: Path, *arguments: str, seconds: float, owned_by_anybody: bool = False
) -> subprocess.CompletedProcess[bytes]:
    """Return git's answer on the repository that ``folder`` is in.

    No filter is run either, not even the user's. A file that was checked out through one (git-lfs)
    counts as changed once it was written after the checkout, whatever is in it now; before that,
    and mostly, git knows by its size and times that it was not. Nothing is fetched: if objects
    are missing, as in a partial clone, git fails.

    ``owned_by_anybody``: git otherwise refuses a repository of another user's, as a job in a
    container sees it, which is root. Raises OSError, or subprocess.TimeoutExpired after
    ``seconds``.
    """
    settings = [*_SETTINGS, *(["safe.directory=*"] if owned_by_anybody else [])]
    options = [part for one in settings for part in ("-c", one)]
    listing = ("config", "-z", "--name-only", "--get-regexp", r"^filter\.")
    listed = _run(folder, *options, *listing, seconds=seconds)
    if listed.returncode > 1:  # 1: there are none
        return listed
    names = listed.stdout.decode("utf-8", "surrogateescape").split("\0")
    for driver in sorted({one[7 : one.rindex(".")] for one in names if one.count(".") > 1}):
        # As `-c`, but for a name that may have "=" in it.
        options += [
            f"--config-env=filter.{driver}.{key}={_EMPTY}"
            for key in ("clean", "process", "required")
        ]
    return _run(folder, *options, *arguments, seconds=seconds)


def _run(folder: Path, *arguments: str, seconds: float) -> subprocess.CompletedProcess[bytes]:
    ours = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_ALLOW_PROTOCOL": "", _EMPTY: ""}
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**environment(), **ours},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        check=False,
    )
