"""Which files of a tree a range of Git commits, and what is not committed yet, has changed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from conformance.common import git
from conformance.common.errors import HarnessError
from conformance.linter.app import AppPackage
from conformance.linter.files import inside

_SECONDS = 60
_BUILDS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""What stands above an app and may change it."""


def changed_since(path: Path, ref: str) -> frozenset[str]:
    """Return the files under ``path``, relative to it, that differ from ``ref``.

    Compared is with the commit at which this branch left ``ref``, as a merge request does. Raises
    HarnessError if Git does not know the reference, or ``path`` is in no repository. Filters are
    not run, as ``git.ask`` says: a file of git-lfs rather counts as changed.
    """
    folder = path if path.is_dir() else path.parent
    base = _git(folder, ref, "merge-base", ref, "HEAD")
    commit = base[0] if base else ref
    # A file that moved from one app to another has changed both. A submodule's own files would be
    # compared by another git, with the submodule's settings.
    diff = ("diff", "--name-only", "--no-renames", "-z", "--relative", "--ignore-submodules=dirty")
    found = _git(folder, ref, *diff, commit, "--", ".")
    found += _git(folder, ref, "ls-files", "--others", "--exclude-standard", "-z", "--", ".")
    return frozenset(found)


def touched(app: AppPackage, changed: Iterable[str]) -> bool:
    """Return whether an app is made of one of these files, or stands in a folder with one."""
    folders = [*([] if app.rest else [app.path]), *(chart.folder for chart in app.charts)]
    folders += [one.folder for one in app.kustomizations if one.folder is not None]
    files = {one.file for one in (*app.written, *app.unlisted)}
    files |= {one.manifest.file for one in app.kustomizations}
    return any(
        file in files
        or any(inside(file, folder) for folder in folders)
        or (PurePosixPath(file).name in _BUILDS and _above(file, folders))
        for file in changed
    )


def _above(file: str, folders: Iterable[str]) -> bool:
    parent = PurePosixPath(file).parent.as_posix()
    return any(inside(folder, parent) for folder in folders)


def _git(folder: Path, ref: str, *arguments: str) -> list[str]:
    try:
        answer = git.ask(folder, *arguments, seconds=_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessError(f"--changed-since: git cannot be run: {error}", "install git") from None
    if answer.returncode:
        said = answer.stderr.decode("utf-8", "replace").strip().splitlines()
        raise HarnessError(
            f"--changed-since {ref}: {said[-1][:300] if said else 'git failed'}",
            "give a branch, tag or commit of the repository that PATH is in; in CI, fetch its "
            "history first",
        )
    text = answer.stdout.decode("utf-8", "surrogateescape")
    return [one for one in text.replace("\n", "\0").split("\0") if one]
