"""What Flux does to the objects of a chart before it installs them.

https://fluxcd.io/flux/components/helm/helmreleases/#post-renderers
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conformance.linter.access import get, mapping, sequence
from conformance.linter.findings import Problem
from conformance.linter.flux.layers import Layer, Outcome, apply
from conformance.linter.flux.resources import Resource
from conformance.linter.flux.transforms import label
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import Document


@dataclass(frozen=True)
class PostRendered:
    """The objects of a chart as Flux installs them."""

    manifests: Sequence[Manifest]
    problems: Sequence[Problem]
    beyond: Sequence[str]
    """What is not followed here, a sentence each."""


def post_render(release: Manifest, manifests: Sequence[Manifest]) -> PostRendered:
    """Return what a HelmRelease makes of its chart's objects; hooks stay as they are."""
    outcome = Outcome([], [], [])
    hooks = [one for one in manifests if one.hook]
    resources = [Resource(one.value, one) for one in manifests if not one.hook]
    for index, entry in enumerate(sequence(release.get("spec", "postRenderers"))):
        path = ("spec", "postRenderers", index, "kustomize")
        value = get(entry, "kustomize")
        if not isinstance(value, Mapping):
            outcome.beyond.append(f"{release} has a post-renderer that is not kustomize")
            continue
        written = release.document or Document(release.file, release.value)
        layer = Layer(".", release.file, written.part(path))
        apply(layer, resources, lambda _: None, outcome)
    common = mapping(release.get("spec", "commonMetadata"))
    for one in resources:
        label(one, mapping(common.get("labels")), mapping(common.get("annotations")))
    made = [one.manifest() for one in resources]
    return PostRendered([*made, *hooks], outcome.problems, outcome.beyond)
