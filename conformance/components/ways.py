"""How each part is obtained in a run: what is in the cache, else pulled, else made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from conformance.common.architecture import architecture
from conformance.common.errors import HarnessError
from conformance.components import lock_file, recipe, upstream
from conformance.components.catalogue import part
from conformance.components.parts import (
    CPart,
    FileImage,
    GoPart,
    Part,
    ProgramPart,
    RootfsImage,
)
from conformance.components.registries import OWN, Registries
from conformance.components.store import Store
from conformance.oci.reference import Reference

MADE, PULLED, OWN_MIRROR, NOWHERE = "made", "pulled", "own", "nowhere"
_COPIED = FileImage | RootfsImage | ProgramPart
"""Parts that are made in a second from inputs that are in the cache: no registry is asked then."""
_PULLED_SPACE = 1500
"""MiB that a pulled part takes at most."""


@dataclass(frozen=True)
class Way:
    """How one part is obtained, and what its entry in the store is found by."""

    how: str
    """``made`` from its inputs, ``pulled`` from upstream's registry, as it was made elsewhere from
    the mirror of what is ``own``, or ``nowhere``: nobody may compile, and no registry has it."""
    key: str
    inputs: tuple[str, ...] = ()
    image: Reference | None = None
    """What is pulled, for an image part."""


class Ways:
    """Decides once for each part. ``mode`` is that of ``--parts``."""

    def __init__(
        self,
        mode: str,
        store: Store,
        sources: recipe.Sources,
        registries: Registries,
        digests: Mapping[str, str],
    ) -> None:
        self._mode = mode
        self._store = store
        self._sources = sources
        self._registries = registries
        self._digests = digests
        self._built: dict[str, str] = {}
        self._decided: dict[str, Way] = {}
        self._deciding = threading.RLock()

    def of(self, wanted: Part) -> Way:
        """Return how a part is obtained; a registry is only asked for what is not in the cache."""
        with self._deciding:
            if wanted.name not in self._decided:
                self._decided[wanted.name] = self.cached(wanted) or self._decide(wanted)
            return self._decided[wanted.name]

    def cached(self, wanted: Part) -> Way | None:
        """Return how a part that is in the cache was obtained, without asking any registry."""
        for way in self._possible(wanted):
            if self._store.has(wanted.name, way.key):
                return way
        return None

    def built(self, wanted: Part) -> Way:
        """Return how a part is made that is made here with all that it is made from."""
        if wanted.name not in self._built:
            self._built[wanted.name] = recipe.key(wanted, self._sources)
        return Way(MADE, self._built[wanted.name], wanted.inputs)

    def foreseen(self, wanted: Part) -> Way:
        """Return how a part is obtained, as far as that is known without asking a registry."""
        if known := self._decided.get(wanted.name) or self.cached(wanted):
            return known
        if self._mode == "pull" or (self._mode == "auto" and self._registries.some_answered):
            return self._pulled(wanted) or self.built(wanted)
        return self.built(wanted)

    def make_instead(self, wanted: Part) -> bool:
        """Give up pulling a part; return False where it was not pulled, or may not be made."""
        if self.of(wanted).how == MADE or self._mode != "auto":
            return False
        if wanted.name in upstream.PROGRAM_IMAGES:
            return False
        with self._deciding:
            # What would be taken out of an image that is not there is made as well, and first: the
            # image may be made from it.
            for name, way in list(self._decided.items()):
                if way.how == PULLED and wanted.name in way.inputs:
                    self._decided[name] = self._made(part(name))
            self._decided[wanted.name] = self._made(wanted)
        return True

    def recipe(self, wanted: Part) -> dict[str, object]:
        """Return what a part is made by and from in this run."""
        return recipe.recipe(wanted, self._sources, self._decided_key)

    def space(self, wanted: Part) -> int:
        """Return about how many MiB of disk it takes to obtain a part."""
        return wanted.space if self.of(wanted).how == MADE else min(wanted.space, _PULLED_SPACE)

    def closure(
        self,
        names: Iterable[str],
        missing: Callable[[str], bool],
        way_of: Callable[[Part], Way] | None = None,
    ) -> list[Part]:
        """Return the parts called ``names`` that are ``missing``, and what they are obtained from.

        Inputs come first, each part once; those of what is there are left out. ``way_of`` is
        ``of``, which may ask registries, or ``foreseen``.
        """
        way_of = way_of or self.of
        ordered: dict[str, Part] = {}

        def visit(name: str) -> None:
            if name in ordered or not missing(name):
                return
            wanted = any_part(name)
            for needed in way_of(wanted).inputs:
                visit(needed)
            ordered.setdefault(name, wanted)

        for name in names:
            visit(name)
        return list(ordered.values())

    def keys(self, wanted: Part) -> set[str]:
        """Return the keys that a part of this version can have, whatever ``--parts`` says."""
        made = self.built(wanted), self._made(wanted, self._cached_key), self._pulled(wanted)
        return {way.key for way in made if way}

    def _possible(self, wanted: Part) -> Iterable[Way]:
        built = None if wanted.name in upstream.PROGRAM_IMAGES else self.built(wanted)
        if built:
            yield built
        if self._mode == "build":
            return
        if pulled := self._pulled(wanted):
            yield pulled
        if built and wanted.inputs:
            yield self._made(wanted, self._cached_key)

    def _cached_key(self, name: str) -> str:
        wanted = part(name)
        return (self.cached(wanted) or self.built(wanted)).key

    def _decide(self, wanted: Part) -> Way:
        at_hand = isinstance(wanted, _COPIED) and all(map(self.cached, map(part, wanted.inputs)))
        if self._mode != "build" and not at_hand:
            pulled = self._pulled(wanted)
            if pulled and self._is_given(pulled):
                return pulled
            if wanted.name not in upstream.PROGRAM_IMAGES and self._registries.has_own:
                key = self.built(wanted).key
                if self._registries.gives(own_image(wanted, key)):
                    return Way(OWN_MIRROR, key)
            if isinstance(wanted, upstream.ProgramImage):
                return Way(NOWHERE, "")
            if self._mode == "pull" and self._needs_compiler(wanted, pulled is not None):
                return Way(NOWHERE, "")
        return self._made(wanted)

    def _needs_compiler(self, wanted: Part, published: bool) -> bool:
        """Return whether a part would be compiled or, if upstream has it, made of what would be."""
        if isinstance(wanted, GoPart | CPart):
            return True
        missing = self.closure(wanted.inputs, lambda name: self.cached(any_part(name)) is None)
        return published and any(self.of(one).how == NOWHERE for one in missing)

    def _decided_key(self, name: str) -> str:
        return self.of(part(name)).key

    def _made(self, wanted: Part, input_key: Callable[[str], str] | None = None) -> Way:
        key = recipe.key(wanted, self._sources, input_key or self._decided_key)
        return Way(MADE, key, wanted.inputs)

    def _is_given(self, pulled: Way) -> bool:
        if pulled.image:
            return self._registries.gives(pulled.image)
        for name in pulled.inputs:
            image = any_part(name)
            there, way = self.cached(image), self._pulled(image)
            if there.how != PULLED if there else not (way and self._is_given(way)):
                return False
        return True

    def _pulled(self, wanted: Part) -> Way | None:
        """Return how a part is pulled, if upstream publishes it."""
        if reference := upstream.reference(wanted.name):
            image = lock_file.image(reference, self._digests)
            what: dict[str, object] = {
                "image": f"{reference}@{image.digest}",
                "as": wanted.name,
                "architecture": architecture(),
            }
            return Way(PULLED, recipe.key_of(what), image=image)
        if wanted.name not in upstream.PROGRAMS:
            return None
        programs = upstream.PROGRAMS[wanted.name]
        images = tuple(dict.fromkeys(image for image, _ in programs.values()))
        what = {
            "programs": {name: list(where) for name, where in programs.items()},
            "images": [way.key for way in (self._pulled(any_part(name)) for name in images) if way],
            "folders": recipe.folders(wanted, self._sources),
        }
        return Way(PULLED, recipe.key_of(what), images)


def own_image(wanted: Part, key: str) -> Reference:
    """Return the name of a part that was made elsewhere: its tag is its key."""
    return Reference(f"{OWN}/{wanted.name}", key[:16], None)


def any_part(name: str) -> Part:
    """Return a part of the catalogue, or an image that is pulled for its programs."""
    return upstream.PROGRAM_IMAGES.get(name) or part(name)


def nowhere(names: Iterable[str]) -> HarnessError:
    """Return the error that names what ``--parts=pull`` cannot obtain."""
    lines = []
    for name in names:
        images = [image for image, _ in upstream.PROGRAMS.get(name, {}).values()] or [name]
        wanted = [one for one in (upstream.reference(image) for image in images) if one]
        what = f"needs {', '.join(dict.fromkeys(wanted))}" if wanted else "upstream has no image"
        lines.append(f"  {name}: {what}")
    return HarnessError(
        "--parts=pull compiles nothing, and no registry gives\n" + "\n".join(lines),
        "name a mirror that does (--mirror=REGISTRY=HOST, --mirror=own=HOST), or leave out "
        "--parts=pull: what cannot be pulled is built then",
    )
