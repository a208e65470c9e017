"""The suite's parts, built when they are first needed or ahead of that in the background."""

from __future__ import annotations

import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from conformance.common.errors import HarnessError
from conformance.common.locks import Holder
from conformance.common.settings import Settings
from conformance.components import recipe
from conformance.components.catalogue import owner, part, with_inputs
from conformance.components.debian import ensure_packages
from conformance.components.golang import is_hiccup
from conformance.components.make import make
from conformance.components.parts import ImagePart, Part
from conformance.components.processes import CommandFailedError, Runner, StoppedError
from conformance.components.progress import Progress, Task, make_progress, seconds
from conformance.components.store import CorruptEntryError, Store
from conformance.components.waiting import waiting_for_build
from conformance.components.work import Work

PAUSES = (2.0, 10.0, 30.0)
"""Seconds to wait before each new try after a network trouble."""

Maker = Callable[[Part, Work], None]


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
        self._make = maker
        self._store = Store(self._cache)
        self._runner = Runner()
        self._polite_runner = Runner(niceness=10)  # the background's: checks run meanwhile
        self._keys: dict[str, str] = {}
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
                with waiting_for_build():
                    self._ensure(wanted, then=names[index + 1 :], background=False)
            self._used[wanted.name] = wanted

    def prefetch(self, *names: str) -> None:
        """Build the parts in a background thread, in this order, after those queued before.

        A part that fails is reported in one line; ``require`` tries it again and raises.
        """
        for name in names:
            part(name)
        with self._guard:
            self._queue.extend(name for name in names if name not in self._queue)
            if self._background is None and self._queue:
                self._background = threading.Thread(
                    target=self._work, name="components", daemon=True
                )
                self._background.start()

    def close(self) -> None:
        """Kill what is being built, drop the queue, and wait for the background to end."""
        with self._guard:
            self._queue.clear()
            background = self._background
        self._runner.stop()
        self._polite_runner.stop()
        if background:
            background.join()

    def path(self, name: str) -> Path:
        """Return the folder of a part's verified files, built when need be."""
        self.require(name)
        files = self._store.files(name, self._key(part(name)))
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
        return [
            {
                "name": wanted.name,
                "version": wanted.version,
                "origin": wanted.origin,
                "source": wanted.source,
                "note": wanted.note,
                "key": self._key(wanted),
            }
            for wanted in self._used.values()
        ]

    def is_present(self, name: str) -> bool:
        """Return whether the part is in the cache, without a look at its bytes."""
        return self._store.has(name, self._key(part(name)))

    def entry(self, name: str) -> Path:
        """Return where the part is kept or will be kept."""
        return self._store.entry(name, self._key(part(name)))

    def _key(self, wanted: Part) -> str:
        if wanted.name not in self._keys:
            self._keys[wanted.name] = recipe.key(wanted, self._sources)
        return self._keys[wanted.name]

    def _missing(self, names: tuple[str, ...]) -> list[Part]:
        """Return what must be built for ``names``, inputs of what is there left out."""
        absent = [name for name in names if not self.is_present(name)]
        return [one for one in with_inputs(absent) if not self.is_present(one.name)]

    def _prepare(self, names: tuple[str, ...]) -> None:
        """Fail before any work when a package or the space for all of ``names`` is missing."""
        missing = self._missing(names)
        if not missing:
            return
        needed = sum(one.space for one in missing) << 20
        folder = self._cache
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise HarnessError(
                f"too little disk space: building {', '.join(one.name for one in missing)} takes "
                f"about {needed / (1 << 30):.1f} GiB in {self._cache}, and "
                f"{free / (1 << 30):.1f} GiB are free",
                "free some space, or point STACKSPIN_CONFORMANCE_CACHE to a larger disk",
            )
        packages = {name: sign for one in missing for name, sign in one.packages.items()}
        with waiting_for_build(), self._guard:
            ensure_packages(
                packages,
                why=f"build {', '.join(one.name for one in missing if one.packages)}",
                say=self._progress.say,
            )

    def _ensure(self, wanted: Part, *, then: tuple[str, ...], background: bool) -> None:
        """Build ``wanted`` if need be; ``then`` are the parts that are to follow it."""
        if self._intact(wanted):
            return
        for index, name in enumerate(wanted.inputs):
            following = (*wanted.inputs[index + 1 :], wanted.name, *then)
            self._ensure(part(name), then=following, background=background)
        key = self._key(wanted)
        with self._store.lock(wanted.name, key, self._waiting(wanted, background)):
            if self._intact(wanted, locked=True):  # someone else built it meanwhile
                return
            self._build(wanted, key, then, background)

    def _intact(self, wanted: Part, *, locked: bool = False) -> bool:
        """Return whether the part can be used; a corrupt one is taken away under its lock only."""
        try:
            return self._store.files(wanted.name, self._key(wanted)) is not None
        except CorruptEntryError as error:
            if locked:
                self._progress.say(
                    f"{wanted.name} in the cache is corrupt ({error}); building it anew"
                )
                self._store.discard(wanted.name, self._key(wanted))
            return False

    def _waiting(self, wanted: Part, background: bool) -> Callable[[Holder | None], None]:
        def say(holder: Holder | None) -> None:
            if not background:
                who = holder or "another process"
                self._progress.say(f"waiting for {wanted.name}: already being built by {who}")
                self._polite_runner.hurry()

        return say

    def _build(self, wanted: Part, key: str, then: tuple[str, ...], background: bool) -> None:
        left = len([one for one in self._missing(then) if one.name != wanted.name])
        what = f"building {wanted.name} {wanted.version}"
        with self._progress.task(what, left, background=background) as task:

            def facts() -> dict[str, object]:
                return {
                    "recipe": recipe.recipe(wanted, self._sources),
                    "seconds": round(task.elapsed, 1),
                }

            with self._store.put(wanted.name, key, facts) as (target, scratch):
                runner = self._polite_runner if background else self._runner
                self._make_with_patience(wanted, target, scratch, task, runner)
        self._progress.say(f"{wanted.name} built in {seconds(task.elapsed)}")

    def _make_with_patience(
        self, wanted: Part, target: Path, scratch: Path, task: Task, runner: Runner
    ) -> None:
        """Try again after a network trouble, and only then."""
        work = Work(target, scratch, self._cache, self._sources, runner, task.show, self._input)
        for pause in (*PAUSES, None):
            try:
                self._make(wanted, work)
            except CommandFailedError as failure:
                if pause is None or not is_hiccup(failure.output):
                    raise self._failure(wanted, failure) from failure
                last = failure.output.splitlines()[-1] if failure.output else str(failure)
                self._progress.say(f"{wanted.name}: {last}; next try in {pause:.0f} s")
                if runner.stopped.wait(pause):
                    raise StoppedError from None
                for leftover in target.iterdir():
                    shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            else:
                return

    def _failure(self, wanted: Part, failure: CommandFailedError) -> HarnessError:
        log = self._cache / "logs" / f"{wanted.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(failure.output)
        return HarnessError(
            f"building {wanted.name} {wanted.version} failed: {failure}",
            f"the output is in {log}; `stackspin-conformance components build {wanted.name}` "
            "tries again",
        )

    def _input(self, name: str) -> Path:
        wanted = part(name)
        self._ensure(wanted, then=(), background=False)
        files = self._store.files(name, self._key(wanted))
        if files is None:
            raise HarnessError(f"component {name} was deleted while this run used it")
        return files

    def _work(self) -> None:
        while True:
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
