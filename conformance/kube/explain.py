"""Why something awaited did not happen: status, events, and the logs of the pods behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.kube.watching import Object

if TYPE_CHECKING:
    from conformance.kube.client import Kube


def explain(kube: Kube, opening: str, seen: list[Object], trouble: Exception | None) -> str:
    """Return a text of bounded size, redacted, that starts with ``opening``."""
    lines = [opening]
    if trouble is not None:
        lines.append(f"  the API did not answer: {trouble}")
    if not seen:
        lines.append("  no such object was seen")
    for item in seen[:5]:
        lines.append(f"  {item['kind']} {item['metadata']['name']}:")
        lines += [
            f"    {one['type']}={one['status']} {one.get('reason', '')}: {one.get('message', '')}"
            for one in item.get("status", {}).get("conditions") or ()
        ]
    return kube.redactor.redact("\n".join(lines))
