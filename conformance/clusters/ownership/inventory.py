"""The clusters of a state folder, for the commands that look at them from outside."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from conformance.clusters.ownership.state import Folder, Record, State
from conformance.common.errors import HarnessError


@dataclass(frozen=True)
class Entry:
    """One cluster as the list shows it."""

    folder: Folder
    record: Record
    condition: str
    """In words: running, kept, in use, or what its node died of."""


def sweep(state_dir: Path) -> list[str]:
    """Remove what dead owners left behind; return the names of their clusters."""
    if not state_dir.exists():
        return []
    state = State(state_dir)
    with state.locked():
        return state.sweep()


def clusters(state_dir: Path) -> list[Entry]:
    """Return the clusters of live owners."""
    if not state_dir.exists():
        return []
    state = State(state_dir)
    with state.locked():
        return _entries(state)


def find(state_dir: Path, name: str) -> Entry:
    """Return the cluster of this name. HarnessError if there is none."""
    return _named(name, clusters(state_dir))


def _entries(state: State) -> list[Entry]:
    """Return the clusters of live owners; needs the lock, as it takes folders' locks to try."""
    found = []
    for folder in state.folders():
        record = folder.read()
        if record and record.owner.alive:
            found.append(Entry(folder, record, _condition(folder, record)))
    return found


def _named(name: str, entries: list[Entry]) -> Entry:
    for entry in entries:
        if entry.folder.name == name:
            return entry
    names = ", ".join(entry.folder.name for entry in entries) or "none"
    raise HarnessError(
        f"there is no cluster named {name} (there are: {names})",
        f"bring it up: stackspin-conformance cluster up --cluster-name {name}",
    )


def take_down(state_dir: Path, name: str) -> None:
    """Remove a kept cluster. HarnessError if there is none, or a live run has or uses it."""
    state = State(state_dir)
    with state.locked():
        entry = _named(name, _entries(state))
        folder, record = entry.folder, entry.record
        user = folder.try_lock("user")
        if not record.kept or user is None:
            pid = folder.lock_holder("user") if record.kept else str(record.owner.pid)
            raise HarnessError(
                f"cluster {name} is in use by process {pid}",
                f"wait for it to end, or stop it: kill {pid}",
            )
        try:
            record.owner.kill()
            state.remove(folder)
        finally:
            os.close(user)
        reaper = state.empty_trash()
    if reaper:
        reaper.wait()


def _condition(folder: Folder, record: Record) -> str:
    if record.node is None and not record.outside:
        return "starting"
    if record.node and not record.node.alive:
        return f"node down{folder.exited()}"
    if ended := folder.exited():
        return f"broken{ended}"
    if not record.kept:
        return "running, owned by a run"
    user = folder.try_lock("user")
    if user is None:
        return f"kept, in use by process {folder.lock_holder('user')}"
    os.close(user)
    return "kept"
