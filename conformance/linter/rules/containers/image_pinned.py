"""Every image has a version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, text
from conformance.linter.facts.cluster import (
    Cluster,
    each,
    guessed,
    settings,
    unknown_charts,
)
from conformance.linter.facts.images import moves, tag_of
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.manifest import HOOK
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.pods import Pod


@rule("containers.image-pinned", level=2)
def image_pinned(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each image whose tag moves, or that has none."""
    yield from each(app, _moving_images)


def _moving_images(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        for container in () if _only_tests(pod) else pod.containers:
            image = text(container.value.get("image")).strip()
            tag = tag_of(image)
            if not image or "@" in image or guessed(image):
                continue
            if not tag or moves(tag):
                what = (
                    f"tag {quoted(tag)}, which can change" if tag else "no tag, so latest is used"
                )
                yield Problem(
                    container.place("image"),
                    f"image {quoted(image)} of container {container.name} has {what}",
                )
    for release in unknown_charts(cluster):
        for path, value in settings(release.values):
            if path[-2:] == ("image", "tag") and isinstance(value, str) and value and moves(value):
                digest = text(get(release.values, *path[:-1], "digest"))
                if not digest and "{{" not in value:
                    name = ".".join(map(str, path))
                    yield Problem(
                        release.place(*path), f"{name} is {quoted(value)}, a tag that can change"
                    )


def _only_tests(pod: Pod) -> bool:
    """Return whether Helm runs a pod for ``helm test`` alone, which no platform asks for."""
    moments = text(pod.workload.annotations.get(HOOK)).split(",")
    return all(one.strip().startswith("test") for one in moments)
