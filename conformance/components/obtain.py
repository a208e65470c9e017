"""Obtaining one part, in the way that was decided for it, with patience for the network."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.common.errors import HarnessError
from conformance.components import recipe
from conformance.components.golang import is_hiccup
from conformance.components.parts import Part
from conformance.components.processes import CommandFailedError, Runner, StoppedError
from conformance.components.progress import Task
from conformance.components.pulled import pull
from conformance.components.registries import Registries
from conformance.components.ways import MADE, Way
from conformance.components.work import Work
from conformance.oci.registry import RegistryTroubleError

PAUSES = (2.0, 10.0, 30.0)
"""Seconds to wait before each new try after a network trouble."""

Maker = Callable[[Part, Work], None]


@dataclass(frozen=True)
class Obtainer:
    """What all parts of a run are obtained with."""

    cache: Path
    sources: recipe.Sources
    make: Maker
    registries: Registries
    inputs: Callable[[str], Path]
    facts_of: Callable[[str], dict[str, Any]]
    say: Callable[[str], None]

    def obtain(
        self, wanted: Part, way: Way, folders: tuple[Path, Path], task: Task, runner: Runner
    ) -> dict[str, Any]:
        """Fill the first of ``folders``, the second is for scratch; return what to record.

        Tries again after a network trouble, and only then. Raises HarnessError, StoppedError;
        RegistryTroubleError when patience with a registry ends.
        """
        target, scratch = folders
        work = Work(target, scratch, self.cache, self.sources, runner, task.show, self.inputs)
        for pause in (*PAUSES, None):
            try:
                if way.how == MADE:
                    self.make(wanted, work)
                    return {}
                return pull(wanted, way, self.registries, self.facts_of, work)
            except CommandFailedError as failure:
                if pause is None or not is_hiccup(failure.output):
                    raise self._failure(wanted, failure) from failure
                last = failure.output.splitlines()[-1] if failure.output else str(failure)
            except RegistryTroubleError as trouble:
                if pause is None:
                    raise
                last = trouble.message
            self.say(f"{wanted.name}: {last}; next try in {pause:.0f} s")
            if runner.stopped.wait(pause):
                raise StoppedError from None
            for leftover in (*target.iterdir(), *scratch.iterdir()):
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        raise AssertionError  # the last try returned or raised

    def _failure(self, wanted: Part, failure: CommandFailedError) -> HarnessError:
        log = self.cache / "logs" / f"{wanted.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(failure.output)
        return HarnessError(
            f"building {wanted.name} {wanted.version} failed: {failure}",
            f"the output is in {log}; `stackspin-conformance components build {wanted.name}` "
            "tries again",
        )
