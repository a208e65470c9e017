"""A tree of several clusters: each is judged by itself, and what they share once."""

from __future__ import annotations

from pathlib import Path

import pytest
from flux_trees import apps_in, config_map, kustomization, release, write

from conformance.linter.rules.kustomization.resources import resources
from conformance.linter.rules.schema.duplicate import duplicate

KUSTOMIZE = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}


def cluster(name: str, path: str) -> dict[str, object]:
    """Return the files of a cluster that ``flux bootstrap`` made."""
    return {
        f"clusters/{name}/flux-system/gotk-sync.yaml": kustomization(
            "flux-system", f"./clusters/{name}"
        ),
        f"clusters/{name}/apps.yaml": kustomization("apps", path),
    }


def said(root: Path) -> list[str]:
    return [
        f"{app.name}: {one.message}"
        for app in apps_in(root)
        for rule in (duplicate, resources)
        for one in rule(app)
    ]


def test_what_two_clusters_apply_alike_is_judged_once(tmp_path):
    files = {**cluster("us", "./apps"), **cluster("eu", "./apps")}
    root = write(tmp_path, {**files, "apps/wiki/release.yaml": release("wiki")})

    assert [app.name for app in apps_in(root)] == ["apps"]
    assert said(root) == []


def test_overlays_of_two_clusters_are_judged_each(tmp_path):
    files = {**cluster("us", "./apps/us"), **cluster("eu", "./apps/eu")}
    for name in ("us", "eu"):
        files[f"apps/{name}/kustomization.yaml"] = {
            **KUSTOMIZE,
            "resources": ["../base"],
            "patches": [{"patch": f"{{kind: ConfigMap, apiVersion: v1, data: {{a: {name}}}, "
                         "metadata: {name: wiki, namespace: apps}}"}],
        }  # fmt: skip
    files["apps/base/kustomization.yaml"] = {**KUSTOMIZE, "resources": ["a.yaml", "b.yaml"]}
    files["apps/base/a.yaml"] = release("wiki")
    files["apps/base/b.yaml"] = config_map("wiki", a="none")
    root = write(tmp_path, files)

    found = {
        app.path: [one.get("data", "a") for one in app.everything() if one.kind == "ConfigMap"]
        for app in apps_in(root)
    }

    assert found == {"apps/eu": ["eu"], "apps/us": ["us"]}
    assert said(root) == []


@pytest.mark.parametrize("folder", ["", "sites/"])
def test_folders_with_the_same_kustomizations_are_clusters(tmp_path, folder):
    files: dict[str, object] = {
        f"{folder}{name}/apps.yaml": kustomization("apps", "./apps") for name in ("us", "eu")
    }
    root = write(tmp_path, {**files, "apps/wiki/release.yaml": release("wiki")})

    assert [app.name for app in apps_in(root)] == ["apps"]
    assert said(root) == []


def test_variables_are_those_of_the_same_cluster(tmp_path):
    files: dict[str, object] = {}
    for name in ("us", "eu"):
        files |= cluster(name, f"./apps/{name}")
        files[f"clusters/{name}/apps.yaml"] = kustomization(
            "apps", f"./apps/{name}", sources=["ConfigMap settings"]
        )
        files[f"clusters/{name}/settings.yaml"] = config_map("settings", "flux-system", at=name)
        files[f"apps/{name}/release.yaml"] = release("wiki", values={"at": "${at}"})
    root = write(tmp_path, files)

    values = {app.path: app.releases[0].values for app in apps_in(root)}

    assert values == {"apps/us": {"at": "us"}, "apps/eu": {"at": "eu"}}


def test_the_same_object_twice_in_one_cluster_is_found(tmp_path):
    files = {**cluster("us", "./apps"), **cluster("eu", "./apps")}
    root = write(
        tmp_path,
        {
            **files,
            "apps/wiki/release.yaml": release("wiki"),
            "apps/wiki/a.yaml": config_map("a"),
            "apps/wiki/b.yaml": config_map("a"),
        },
    )

    [message] = said(root)
    assert "ConfigMap apps/a is created twice" in message


def test_two_apps_with_kustomizations_of_one_name_are_no_clusters(tmp_path):
    root = write(
        tmp_path,
        {
            "apps/one/flux.yaml": kustomization("app", "./apps/one/app"),
            "apps/one/app/release.yaml": release("one"),
            "apps/two/flux.yaml": kustomization("app", "./apps/two/app"),
            "apps/two/app/release.yaml": release("two"),
            "root.yaml": kustomization("root", "./apps"),
        },
    )

    assert len(apps_in(root)) == 2
    assert [app.path for app in apps_in(root)] == ["apps/one/app", "apps/two/app"]


def test_what_fails_in_a_folder_above_fails_for_each_app_below(tmp_path):
    root = write(
        tmp_path,
        {
            "root.yaml": kustomization("root", "./all"),
            "all/kustomization.yaml": {
                **KUSTOMIZE,
                "resources": ["one.yaml", "two.yaml", "gone.yaml"],
            },
            "all/one.yaml": kustomization("one", "./one"),
            "all/two.yaml": kustomization("two", "./two"),
            "one/release.yaml": release("one"),
            "two/release.yaml": release("two"),
        },
    )

    assert [one.partition(" ")[0] for one in said(root)] == ["one:", "two:"]


def test_a_kustomization_file_that_somebody_applies_by_hand_counts_too(tmp_path):
    root = write(
        tmp_path,
        {
            "apps/kustomization.yaml": {**KUSTOMIZE, "resources": ["one.yaml", "gone.yaml"]},
            "apps/one.yaml": kustomization("one", "./one"),
            "one/release.yaml": release("one"),
            "other/kustomization.yaml": {**KUSTOMIZE, "resources": ["gone.yaml"]},
        },
    )

    [message] = said(root)
    assert "gone.yaml" in message
