"""What reports and lists say of a part."""

from __future__ import annotations

from conformance.components import upstream
from conformance.components.parts import Part
from conformance.components.store import Store
from conformance.components.ways import PULLED, Way


def described(wanted: Part, way: Way, store: Store) -> dict[str, str]:
    """Return name, version, origin, source, note and key of a part."""
    there = store.has(wanted.name, way.key)
    facts = store.facts(wanted.name, way.key) if there else {}
    images = facts.get("pulled", [])
    result = {
        "name": wanted.name,
        "version": upstream.version(wanted, pulled=way.how == PULLED),
        "origin": wanted.origin,
        "source": wanted.source,
        "note": wanted.note,
        "key": way.key,
    }
    if way.how == PULLED and there:
        result["source"] = ", ".join(images) + (" (unpinned)" if facts["unpinned"] else "")
        if wanted.name not in upstream.STILL_SUBSTITUTES:
            result |= {"origin": "pulled", "note": ""}
    elif images:  # made elsewhere, by the same recipe
        result["source"] += f", as {images[0]}"
    return result
