"""What selects the checks of a run, in a form in which that of two runs can be compared."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.common.settings import Settings
from conformance.report.level import Level
from conformance.suite.check import CAPABILITIES, check_of
from conformance.suite.given_apps import given_apps

_OPTIONS = {
    "-k": "keyword",
    "-m": "markexpr",
    "--deselect": "deselect",
    "--ignore": "ignore",
    "--ignore-glob": "ignore_glob",
    "--last-failed": "lf",
    "--stepwise": "stepwise",
}
"""Every option that chooses among the checks, and pytest's name of it."""
AGAIN = pytest.StashKey[str]()
"""Id of the run of ``--rerun-failed``."""
_NAME = re.compile(r"[\w:+\-.\[\]\\/]+")
"""A name in an expression of ``-k``: https://docs.pytest.org/en/stable/how-to/usage.html"""
LEFT_OUT = pytest.StashKey[bool]()
"""Set on a check that is left out because it is extended and nobody asked for it."""


@contextmanager
def whole_ids(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Let ``-k`` take an id of a check for that check alone, and part of an id as pytest does.

    pytest looks for a name anywhere in the names of a test: the id of one check may be the
    beginning of another's.
    """
    ids = set()
    for item in items:
        if check := check_of(item):
            ids.add(check.id)
            item.extra_keyword_matches |= {check.id, f"[{check.id}]"}
    given = config.option.keyword
    config.option.keyword = _NAME.sub(
        lambda name: f"[{name[0]}]" if name[0].lower() in ids else name[0], given
    )
    try:
        yield
    finally:
        config.option.keyword = given


def leave_out_extended(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the extended checks, unless ``--all`` or a choice asks for them.

    Whoever chooses, by an option or by a path, chooses among all checks: nothing is missing from
    what was named.
    """
    if config.getoption("all") or _chooses(config):
        return
    left_out = [item for item in items if _is_extended(item) and not _is_named(item, config)]
    if not left_out:
        return
    for item in left_out:
        item.stash[LEFT_OUT] = True
    items[:] = [item for item in items if LEFT_OUT not in item.stash]
    config.hook.pytest_deselected(items=left_out)


def _chooses(config: pytest.Config) -> bool:
    """Whether an option chooses among the checks; ``--lf`` chooses nothing if nothing failed."""
    if AGAIN in config.stash:
        return True
    if config.getoption("lf", default=False) and config.cache:
        return bool(config.cache.get("cache/lastfailed", None))
    options = ("keyword", "markexpr", "twins")
    return any(map(config.getoption, options)) or bool(given_apps(config))


def _is_extended(item: pytest.Item) -> bool:
    check = check_of(item)
    return check is not None and check.level is Level.EXTENDED


def _is_named(item: pytest.Item, config: pytest.Config) -> bool:
    """Whether the path of the check's capability, of its file or its node id was given."""
    name = item.nodeid.partition("::")[2]
    for argument in config.args:
        given, _, test = argument.partition("::")
        path = config.invocation_params.dir / given
        if test:
            found = path == item.path and test in {name, name.partition("[")[0]}
        else:
            found = _is_choice(path) and item.path.is_relative_to(path)
        if found:
            return True
    return False


def _is_choice(path: Path) -> bool:
    return path.is_file() or path.name in CAPABILITIES


def selection(config: pytest.Config, settings: Settings) -> list[str]:
    """Return the paths and node ids a run was given, relative to the root, then such options.

    Not the checks themselves: runs before and after a check was added are still the same selection.
    Of the suite's options, only those of another dashboard, of other apps, and of what checks may
    touch count. Where and how checks run, such as --domain or --kind-image, does not: what a new
    Kubernetes breaks is to be seen.
    """
    found = sorted({_relative(argument, config) for argument in config.args})
    if settings.all and not _chooses(config):
        found.append("--all")
    for option, name in _OPTIONS.items():
        value = config.getoption(name, default=None)
        for each in value if isinstance(value, list) else [value]:
            if each:
                found.append(option if each is True else f"{option} {' '.join(str(each).split())}")
    if AGAIN in config.stash:
        found.append(f"--rerun-failed {config.stash[AGAIN]}")
    if settings.shard:
        found.append(f"--shard {settings.shard}")
    if settings.repeat != "1":
        found.append(f"--repeat {settings.repeat}")
    if settings.dashboard_url:
        found.append(f"--dashboard-url {settings.dashboard_url}")
    if settings.allow:
        found.append(f"--allow {','.join(sorted(settings.allow))}")
    found += [f"--app {_relative(str(path), config)}" for path in settings.app]
    return found


def _relative(argument: str, config: pytest.Config) -> str:
    path, colons, test = argument.partition("::")
    here = os.path.relpath(config.invocation_params.dir / path, config.rootpath)
    return f"{here}{colons}{test}"
