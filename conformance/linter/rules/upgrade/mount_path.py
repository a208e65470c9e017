"""A volume stays at the path where the app looks for its files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.changes import once, pairs
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.upgrade.shared_volumes import mounts_of

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("upgrade.mount-path", level=3, severity=Severity.WARNING)
def mount_path(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim of which a path is gone and another came."""
    yield from once(_moved_mounts(app))


def _moved_mounts(app: AppPackage) -> Iterator[Problem | NotRun]:
    for pair in pairs(app):
        if isinstance(pair, NotRun):
            yield pair
            continue
        yield from map(NotRun, pair.missing)
        was, now = mounts_of(pair.before), mounts_of(pair.now)
        for claim in was.keys() & now.keys():
            before = {(where, folder) for where, folder, _ in was[claim]}
            after = {(where, folder): place for where, folder, place in now[claim]}
            lost, new = sorted(before - after.keys()), sorted(after.keys() - before)
            for old, fresh in zip(lost, new, strict=False):
                yield Problem(
                    after[fresh],
                    f"claim {claim[1]} was mounted at {_mounted(old)}, and is at "
                    f"{_mounted(fresh)} now: an app that looks at the old path finds nothing",
                )


def _mounted(mount: tuple[str, str]) -> str:
    return quoted(mount[0]) + (f" (subPath {quoted(mount[1])})" if mount[1] else "")
