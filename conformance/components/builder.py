"""The suite's parts, obtained when they are first needed or ahead of that in the background."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from conformance.common import course
from conformance.common.course import Step
from conformance.common.disk_space import size
from conformance.common.errors import HarnessError
from conformance.common.locks import Holder
from conformance.common.settings import Settings
from conformance.components import golang, lock_file, recipe, upstream
from conformance.components.catalogue import CATALOGUE, owner, part
from conformance.components.describe import described
from conformance.components.make import make
from conformance.components.obtain import Maker, Obtainer
from conformance.components.parts import ImagePart, Part
from conformance.components.plan import Plan
from conformance.components.prepare import prepare
from conformance.components.processes import Runner, StoppedError
from conformance.components.progress import Progress, make_progress, seconds
from conformance.components.prune import Pruned, prune
from conformance.components.registries import Registries
from conformance.components.store import CorruptEntryError, Store
from conformance.components.waiting import waiting_for_build
from conformance.components.ways import MADE, PULLED, Way, Ways, any_part
from conformance.oci.registry import WrongBytesError


class Components:
    """The parts of one run. Safe for threads; ``close`` ends the background's work."""

    def __init__(
        self,
        settings: Settings,
        progress: Progress | None = None,
        *,
        sources: recipe.Sources | None = None,
        maker: Maker = make,
    ) -> None:
        self._cache = settings.cache_dir
        self._progress = progress or make_progress()
        self._sources = sources or recipe.Sources()
        self._store = Store(self._cache)
        self._runner = Runner()
        self._polite_runner = Runner(niceness=10)  # the background's: checks run meanwhile
        registries = Registries(settings.mirror, self._progress.say)
        self._ways = Ways(settings.parts, self._store, self._sources, registries, lock_file.read())
        self._obtainer = Obtainer(
            self._cache,
            self._sources,
            maker,
            registries,
            self._input,
            self._facts,
            self._progress.say,
        )
        self._plan = Plan(self._ways, self.is_present)
        self._used: dict[str, Part] = {}
        self._queue: deque[str] = deque()
        self._guard = threading.RLock()
        self._background: threading.Thread | None = None
        if swept := self._store.sweep():
            self._progress.say(f"swept what {len(swept)} interrupted build(s) left")

    def require(self, *names: str) -> None:
        """Make sure that the parts are there and intact; build what is not, in this order.

        Raises HarnessError: unknown name, missing package, full disk, refused version, failed
        build.
        """
        parts = [part(name) for name in names]
        self._prepare(names)
        for index, wanted in enumerate(parts):
            if not self._intact(wanted):
                with waiting_for_build(), course.waiting_for(Step("part", wanted.name)):
                    self._ensure(wanted, then=names[index + 1 :], background=False)
            self._used[wanted.name] = wanted
            self._plan.found(wanted.name)

    def foresee(self, *names: str) -> None:
        """Say what will be asked for later, in this order: progress counts it."""
        self._plan.foresee(names)

    def prefetch(self, *names: str) -> None:
        """Build the parts in a background thread, in this order, after those queued before.

        A part that fails is reported in one line; ``require`` tries it again and raises.
        """
        for name in names:
            part(name)
        self._plan.foresee(names)
        with self._guard:
            self._queue.extend(name for name in names if name not in self._queue)
            if self._background is None and self._queue:
                self._background = threading.Thread(
                    target=self._work, name="components", daemon=True
                )
                self._background.start()

    def stop(self) -> None:
        """Kill what is being built, and drop the queue; nothing is built any more."""
        with self._guard:
            self._queue.clear()
        self._runner.stop()
        self._polite_runner.stop()

    def close(self) -> None:
        """Stop, and wait for the background to end."""
        self.stop()
        if background := self._background:
            background.join()
        self._prune_if_all_is_built()

    def _prune_if_all_is_built(self) -> None:
        """Do it beside the checks, if it can be: what is removed are tens of gigabytes."""
        if self._plan.compiled_the_last() and golang.are_there(self._cache):
            self._progress.say("all is built; what only builds need is removed")
            try:
                freed = sum(one.size for one in self.prune())
                self._progress.say(f"the cache is {size(freed)} smaller")
            except HarnessError as error:
                self._progress.say(error.message)

    def prune(self) -> list[Pruned]:
        """Take away what the cache holds and no run needs any more (``prune.py``).

        HarnessError when that cannot be done.
        """
        keep = {key for one in CATALOGUE.values() for key in self._ways.keys(one)}
        return list(prune(self._cache, self._store, keep))

    def path(self, name: str) -> Path:
        """Return the folder of a part's verified files, built when need be."""
        self.require(name)
        files = self._store.files(name, self._ways.of(part(name)).key)
        if files is None:
            raise HarnessError(f"component {name} was deleted while this run used it")
        return files

    def binary(self, name: str) -> Path:
        """Return a program (``kubectl``), whichever part it belongs to."""
        return self.path(owner(name).name) / name

    def image_layout(self, name: str) -> Path:
        """Return the OCI layout folder of an image part (``image-coredns``)."""
        self.image_reference(name)
        return self.path(name) / "oci"

    def image_reference(self, name: str) -> str:
        """Return an image part's name and tag, as upstream and the manifests have it."""
        wanted = part(name)
        if not isinstance(wanted, ImagePart):
            raise HarnessError(f"component {name} is not an image")
        return wanted.reference

    def describe(self) -> list[dict[str, str]]:
        """Return name, version, origin, source, note and key of each part this run used."""
        used = list(self._used.values())  # another thread may bring more meanwhile
        return [described(one, self._ways.of(one), self._store) for one in used]

    def obtained(self) -> list[dict[str, Any]]:
        """Return name, way (built, pulled), beginning and duration of what this run obtained.

        The beginning is a moment of ``time.monotonic``, the duration is in seconds.
        """
        return [asdict(one) for one in self._plan.obtained()]

    def describe_part(self, name: str) -> dict[str, str]:
        """Return the same of any part: of the one in the cache, else of one that is made here."""
        wanted = part(name)
        way = self._ways.cached(wanted) or self._ways.built(wanted)
        return described(wanted, way, self._store)

    def is_present(self, name: str) -> bool:
        """Return whether the part is in the cache, without a look at its bytes."""
        return self._ways.cached(any_part(name)) is not None

    def built_files(self, wanted: Part) -> tuple[str, Path] | None:
        """Return key and verified files of a part that was made here, None if it was not."""
        key = self._ways.built(wanted).key
        try:
            files = self._store.files(wanted.name, key)
        except CorruptEntryError as error:
            raise HarnessError(f"{wanted.name} in the cache is corrupt: {error}") from None
        return (key, files) if files else None

    def entry(self, name: str) -> Path:
        """Return where the part is kept or will be kept."""
        return self._store.entry(name, self._ways.of(part(name)).key)

    def _facts(self, name: str) -> dict[str, Any]:
        return self._store.facts(name, self._ways.of(any_part(name)).key)

    def _missing(self, names: Iterable[str]) -> list[Part]:
        """Return what must be obtained for ``names``, inputs of what is there left out."""
        return self._ways.closure(names, lambda name: not self.is_present(name))

    def _prepare(self, names: tuple[str, ...]) -> None:
        """Fail before any work when a package or the space for all of ``names`` is missing."""
        with waiting_for_build():  # registries may be asked
            missing = self._missing(names)
        if missing:
            with waiting_for_build(), self._guard:
                prepare(missing, self._ways, self._cache, self._progress.say)

    def _ensure(self, wanted: Part, *, then: tuple[str, ...], background: bool) -> None:
        """Obtain ``wanted`` if need be; ``then`` are the parts that are to follow it."""
        if self._intact(wanted):
            return
        try:
            self._obtain_after_inputs(wanted, then, background)
        except WrongBytesError:
            raise  # who sends such a thing is not to be passed over
        except HarnessError as error:
            if not self._ways.make_instead(wanted):
                raise
            self._progress.say(f"{wanted.name} is built, as it cannot be pulled: {error.message}")
            self._prepare((wanted.name,))
            self._ensure(wanted, then=then, background=background)

    def _obtain_after_inputs(self, wanted: Part, then: tuple[str, ...], background: bool) -> None:
        inputs = self._ways.of(wanted).inputs
        for index, name in enumerate(inputs):
            following = (*inputs[index + 1 :], wanted.name, *then)
            self._ensure(any_part(name), then=following, background=background)
        way = self._ways.of(wanted)
        with contextlib.ExitStack() as shown:
            waiting = self._waiting(wanted, then, background, shown)
            with self._store.lock(wanted.name, way.key, waiting):
                shown.close()
                if self._intact(wanted, locked=True):  # someone else obtained it meanwhile
                    return
                self._obtain(wanted, way, then, background)

    def _intact(self, wanted: Part, *, locked: bool = False) -> bool:
        """Return whether the part can be used; a corrupt one is taken away under its lock only."""
        try:
            return self._store.files(wanted.name, self._ways.of(wanted).key) is not None
        except CorruptEntryError as error:
            if locked:
                self._progress.say(
                    f"{wanted.name} in the cache is corrupt ({error}); building it anew"
                )
                self._store.discard(wanted.name, self._ways.of(wanted).key)
            return False

    def _waiting(
        self, wanted: Part, then: tuple[str, ...], background: bool, shown: contextlib.ExitStack
    ) -> Callable[[Holder | None], None]:
        """Return what is told who builds the part already; it is ``shown`` until that is over."""

        def say(holder: Holder | None) -> None:
            if not background:
                what = f"waiting for {wanted.name}: already being built by "
                task = self._progress.task(
                    f"{what}{holder or 'another process'}",
                    self._plan.outlook(wanted, then),
                    begun=self._plan.begun(wanted.name),
                )
                shown.enter_context(task)
                self._polite_runner.hurry()

        return say

    def _obtain(self, wanted: Part, way: Way, then: tuple[str, ...], background: bool) -> None:
        made = way.how == MADE
        runner = self._polite_runner if background else self._runner
        what = f"{wanted.name} {upstream.version(wanted, pulled=way.how == PULLED)}"
        facts: dict[str, Any] = {}
        with self._progress.task(
            f"{'building' if made else 'pulling'} {what}",
            self._plan.begin(wanted, then),
            background=background,
        ) as task:

            def recorded() -> dict[str, object]:
                return {**facts, "seconds": round(task.elapsed, 1)}

            with self._store.put(wanted.name, way.key, recorded) as folders:
                facts |= self._obtainer.obtain(wanted, way, folders, task, runner)
                if made:
                    facts["recipe"] = self._ways.recipe(wanted)
        self._plan.end(wanted, task.elapsed)
        self._progress.say(
            f"{wanted.name} {'built' if made else 'pulled'} in {seconds(task.elapsed)}"
        )

    def _input(self, name: str) -> Path:
        wanted = any_part(name)
        self._ensure(wanted, then=(), background=False)
        files = self._store.files(name, self._ways.of(wanted).key)
        if files is None:
            raise HarnessError(f"component {name} was deleted while this run used it")
        return files

    def _work(self) -> None:
        while True:
            if not self._queue:
                self._prune_if_all_is_built()
            with self._guard:
                if not self._queue:
                    self._background = None
                    return
                name = self._queue.popleft()
                then = tuple(self._queue)
            begun = time.monotonic()
            try:
                if not self.is_present(name):
                    self._prepare((name,))
                    self._ensure(part(name), then=then, background=True)
            except StoppedError:
                return
            except HarnessError as error:
                self._progress.say(
                    f"{name} failed in the background after {seconds(time.monotonic() - begun)}: "
                    f"{error.message.splitlines()[0]}"
                )
