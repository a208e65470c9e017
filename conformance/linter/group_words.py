"""What a part of a tree was taken for, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.linter.grouping import Group

_NAMED = 4
"""That many objects of a kind are named of what belongs to no app."""


def of_no_app(group: Group) -> str:
    """Return what belongs to no app, in words."""
    kinds: dict[str, list[str]] = {}
    for one in (*(k.manifest for k in group.kustomizations), *group.objects):
        kinds.setdefault(one.kind, []).append(one.name)
    words = []
    for kind, found in kinds.items():
        names = list(dict.fromkeys(found))
        some = ", ".join(names[:_NAMED]) + (" ..." if len(names) > _NAMED else "")
        words.append(f"{kind}{'s' if len(names) > 1 else ''} {some}")
    return f"belongs to no app: {'; '.join(words)}"


def taken_for(group: Group) -> str:
    """Return what a group was taken for, in words."""
    charts = ", ".join(f"chart {chart.name or chart.folder}" for chart in group.charts)
    if not group.objects:
        return f"Helm {charts}" if charts else "nothing"
    parts = []
    if group.kustomizations:
        names = ", ".join(sorted(one.name for one in group.kustomizations))
        parts.append(f"Kustomization{'s' if len(group.kustomizations) > 1 else ''} {names}")
    if group.releases:
        names = ", ".join(one.name for one in group.releases)
        parts.append(f"HelmRelease{'s' if len(group.releases) > 1 else ''} {names}")
    elif not group.kustomizations:
        number = len(group.objects)
        parts.append(f"{number} object{'s' if number > 1 else ''} without a Flux Kustomization")
    if charts:
        parts.append(charts)
    kind = "Flux package" if group.kustomizations or group.releases else "plain manifests"
    return f"{kind}: {'; '.join(parts)}"
