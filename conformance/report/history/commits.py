"""The commits between two runs, where the repositories are at hand."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

from conformance.common import git
from conformance.common.settings import PROJECT_ROOT
from conformance.report.history.facts import RunFacts

_MOST = 30
_SECONDS = 60
_TREE = re.compile(r" at commit ([0-9a-f]+)")


def between(good: RunFacts, bad: RunFacts, platform: Path | None) -> dict[str, list[str]]:
    """Return the commits after ``good`` up to ``bad``: of the suite, and of the platform's tree.

    ``platform`` is a clone of the latter. Each is a line of ``git log``, the newest first; after 30
    of them the last line says that there are more. What is the same in both runs is left out, and
    so is a repository without both commits.
    """
    found = {"suite": _log(PROJECT_ROOT, _suite(good), _suite(bad))}
    if platform:
        found["platform"] = _log(platform, _tree(good), _tree(bad))
    return {name: lines for name, lines in found.items() if lines}


def _suite(run: RunFacts) -> str:
    return run.suite_commit.removesuffix("-dirty")


def _tree(run: RunFacts) -> str:
    found = _TREE.search(run.versions.get("platform's tree", ""))
    return found[1] if found else ""


@cache
def _log(repository: Path, first: str, last: str) -> list[str]:
    if not (first and last) or first == last or not (repository / ".git").exists():
        return []
    log = ("log", "--oneline", "--no-decorate", f"--max-count={_MOST + 1}")
    try:
        answer = git.ask(
            repository,
            *log,
            "--end-of-options",
            f"{first}..{last}",
            seconds=_SECONDS,
            owned_by_anybody=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []  # no git
    if answer.returncode:
        return []  # a clone that does not go back so far
    found = answer.stdout.decode(errors="replace").splitlines()
    return found if len(found) <= _MOST else [*found[:_MOST], "... and more before these"]
