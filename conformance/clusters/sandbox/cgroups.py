"""The host's control groups: version 1, version 2, or both side by side (hybrid).

A cluster's pods are in one group of its own at the root of every hierarchy. kubelet wants the
same path in all of them: https://kubernetes.io/docs/concepts/architecture/cgroups/
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from conformance.common.errors import HarnessError

NEEDED = ("cpu", "cpuset", "memory")
"""Controllers without which kubelet does not start."""
ENABLED = ("cpu", "cpuset", "io", "memory", "pids", "hugetlb")
"""Controllers of version 2 handed down to pods where the host has them."""


@dataclass(frozen=True)
class Cgroups:
    """Where the hierarchies are mounted."""

    controllers: dict[str, Path]
    """Version 1: controller (or ``name=systemd``) -> mount point."""
    unified: Path | None
    """Version 2's mount point; with version 1's memory controller mounted it has none itself."""

    @classmethod
    def of_host(cls, mountinfo: str | None = None) -> Cgroups:
        """Read /proc/self/mountinfo, or the text given."""
        if mountinfo is None:
            mountinfo = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
        controllers: dict[str, Path] = {}
        unified = None
        for line in mountinfo.splitlines():
            left, _, right = line.partition(" - ")
            kind, _, options = right.split(" ", 2)
            mount_point = Path(left.split()[4])
            if kind == "cgroup2":
                unified = mount_point
            elif kind == "cgroup":
                flags = {"rw", "ro", "xattr", "clone_children", "noprefix"}
                for option in options.split(","):
                    if option not in flags and not option.startswith("release_agent="):
                        controllers[option] = mount_point
        return cls(controllers, unified)

    @property
    def version(self) -> int:
        """1 where version 1 has the memory controller, which decides for kubelet; 2 else."""
        return 1 if "memory" in self.controllers else 2

    def missing(self) -> list[str]:
        """Return the needed controllers that this host does not offer."""
        if self.version == 1:
            return [name for name in NEEDED if name not in self.controllers]
        if self.unified is None:
            return list(NEEDED)
        offered = (self.unified / "cgroup.controllers").read_text(encoding="utf-8").split()
        return [name for name in NEEDED if name not in offered]

    def create(self, name: str) -> None:
        """Make the group in every hierarchy. HarnessError when the host does not let us."""
        try:
            for root in self._roots():
                (root / name).mkdir(exist_ok=True)
            if self.version == 1:
                _inherit_cpuset(self.controllers["cpuset"], name)
            elif self.unified:
                _hand_down(self.unified)
                _hand_down(self.unified / name)
        except OSError as error:
            raise HarnessError(
                f"cannot make the cgroup {name}: {error}",
                "run where /sys/fs/cgroup is writable; in a container: docker run --privileged "
                "--cgroupns=private",
            ) from error

    def remove(self, name: str, timeout: float = 2.0) -> bool:
        """Remove the group and all below it; False while processes are still in it.

        ``timeout`` in seconds: processes that were killed a moment ago are still leaving.
        """
        deadline = time.monotonic() + timeout
        while not all([_remove_tree(root / name) for root in self._roots()]):  # noqa: C419
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def named(self, prefix: str) -> set[str]:
        """Return the groups at the roots whose name begins with ``prefix``."""
        return {path.name for root in self._roots() for path in root.glob(f"{prefix}*/")}

    def _roots(self) -> set[Path]:
        return {*self.controllers.values(), *([self.unified] if self.unified else [])}


def _inherit_cpuset(root: Path, name: str) -> None:
    """In version 1 a new group has no CPUs and no memory nodes, and can hold no process."""
    for file in ("cpuset.cpus", "cpuset.mems"):
        (root / name / file).write_text((root / file).read_text(encoding="utf-8"))


def _hand_down(group: Path) -> None:
    """Let groups below have the controllers: version 2 wants that said at each level."""
    offered = (group / "cgroup.controllers").read_text(encoding="utf-8").split()
    enabled = (group / "cgroup.subtree_control").read_text(encoding="utf-8").split()
    wanted = [name for name in ENABLED if name in offered and name not in enabled]
    if not wanted:
        return
    control = group / "cgroup.subtree_control"
    try:
        control.write_text(" ".join(f"+{name}" for name in wanted))
    except OSError:
        # "No internal processes": in a container the root of what we see is an ordinary group,
        # with processes in it; they must move to a leaf first, as every nested engine does.
        leaf = group / "init"
        leaf.mkdir(exist_ok=True)
        for pid in (group / "cgroup.procs").read_text(encoding="utf-8").split():
            with contextlib.suppress(OSError):  # ended meanwhile, or a kernel thread
                (leaf / "cgroup.procs").write_text(pid)
        control.write_text(" ".join(f"+{name}" for name in wanted))


def _remove_tree(group: Path) -> bool:
    for folder, _, _ in os.walk(group, topdown=False):
        try:
            Path(folder).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True
