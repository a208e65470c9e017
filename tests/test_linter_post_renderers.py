"""What Flux does to a chart's objects before it installs them."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.linter.flux.post_renderers import post_render
from conformance.linter.manifest import Manifest


def rendered(kind: str, name: str, **metadata: Any) -> Manifest:
    value = {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "spec": {"containers": [{"name": "a", "image": "a:1"}]},
    }
    return Manifest(value, "chart/templates/a.yaml", lambda _: 3, rendered=True)


def release(**spec: Any) -> Manifest:
    value = {"kind": "HelmRelease", "metadata": {"name": "wiki"}, "spec": spec}
    return Manifest(value, "release.yaml", lambda _: 5)


LABELLED = {
    "kustomize": {
        "patches": [
            {
                "target": {"kind": "PersistentVolumeClaim"},
                "patch": "- {op: add, path: /metadata/labels, value: {stackspin.net/backupSet: a}}",
            }
        ],
        "images": [{"name": "a", "newTag": "2"}],
    }
}


def test_patches_and_images_change_what_the_chart_made():
    claim, pod = rendered("PersistentVolumeClaim", "data"), rendered("Pod", "a")

    after = post_render(release(postRenderers=[LABELLED]), [claim, pod])

    [labelled, other] = after.manifests
    assert labelled.labels == {"stackspin.net/backupSet": "a"}
    assert other.get("spec", "containers", 0, "image") == "a:2"
    assert (labelled.rendered, labelled.place("spec").line) == (True, 3)
    assert (after.problems, after.beyond) == ([], [])


def test_common_metadata_is_on_every_object_but_hooks():
    hook = rendered("Pod", "hook", annotations={"helm.sh/hook": "test"})
    common = {"labels": {"a": "b"}, "annotations": {"c": "d"}}

    after = post_render(release(commonMetadata=common), [rendered("Pod", "a"), hook])

    labels = {one.name: (one.labels, one.annotations.get("c")) for one in after.manifests}
    assert labels == {"a": ({"a": "b"}, "d"), "hook": ({}, None)}


def test_a_patch_that_fits_nothing_is_a_problem_at_the_release():
    patch = {"patch": "apiVersion: v1\nkind: Pod\nmetadata: {name: other}\n"}

    after = post_render(
        release(postRenderers=[{"kustomize": {"patches": [patch]}}]), [rendered("Pod", "a")]
    )

    [problem] = after.problems
    assert problem.place.file == "release.yaml"
    assert "there is no Pod other" in problem.message


@pytest.mark.parametrize("other", [{"exec": {}}, None, "x"])
def test_another_post_renderer_is_not_followed(other):
    assert len(post_render(release(postRenderers=[other]), []).beyond) == 1
