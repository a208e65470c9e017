"""What of its folder a Kustomization applies, and what patches, values and links make of it."""

from __future__ import annotations

import pytest
from flux_trees import apps_in, config_map, kustomization, release, write


def test_a_folder_without_kustomization_file_is_every_file_in_it(tmp_path):
    write(
        tmp_path,
        {
            "app.yaml": kustomization("app", "./app"),
            "app/release.yaml": release("app"),
            "app/more/deep/values.yml": config_map("values"),
        },
    )
    [app] = apps_in(tmp_path)
    assert {one.kind for one in app.kustomizations[0].members} == {"HelmRelease", "ConfigMap"}


def test_a_folder_with_one_is_what_that_names(tmp_path):
    write(
        tmp_path,
        {
            "app.yaml": kustomization("app", "./app"),
            "app/release.yaml": release("app"),
            "app/unused.yaml": config_map("unused"),
            "app/kustomization.yaml": {
                "resources": ["release.yaml"],
                "namespace": "elsewhere",
                "namePrefix": "our-",
                "configMapGenerator": [{"name": "made", "literals": ["a=b"]}],
            },
        },
    )
    [app] = apps_in(tmp_path)
    assert [str(one) for one in app.kustomizations[0].members] == [
        "HelmRelease elsewhere/our-app",
        "ConfigMap elsewhere/our-made",
    ]


@pytest.mark.parametrize(
    "labels",
    [
        {"labels": [{"pairs": {"app": "web"}, "includeSelectors": True}]},
        {"commonLabels": {"app": "web"}},
    ],
)
def test_labels_for_selectors_select_the_pods_that_they_are_on(labels, tmp_path):
    def manifest(kind: str, spec: object):
        return {"apiVersion": "x/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec}

    template = {"metadata": {"labels": {"more": "yes"}}, "spec": {}}
    write(
        tmp_path,
        {
            "web.yaml": kustomization("web", "./web"),
            "web/all.yaml": [
                manifest("Deployment", {"template": template}),
                manifest("Service", {"ports": []}),
                manifest("ConfigMap", {}),
            ],
            "web/kustomization.yaml": {"resources": ["all.yaml"], **labels},
        },
    )
    [app] = apps_in(tmp_path)
    found = {one.kind: one.value["spec"] for one in app.kustomizations[0].members}
    assert found == {
        "Deployment": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"more": "yes", "app": "web"}}, "spec": {}},
        },
        "Service": {"ports": [], "selector": {"app": "web"}},
        "ConfigMap": {},
    }


def test_an_app_is_judged_as_its_patches_leave_it(tmp_path):
    write(
        tmp_path,
        {
            "app.yaml": kustomization("app", "./app"),
            "app/release.yaml": release("app"),
            "app/patch.yaml": release("app", interval="1h"),
            "app/kustomization.yaml": {
                "resources": ["release.yaml"],
                "patches": [{"path": "patch.yaml"}],
            },
        },
    )
    [app] = apps_in(tmp_path)
    assert len(app.releases) == 1
    assert app.releases[0].manifest.get("spec", "interval") == "1h"
    assert not any("patches" in why for one in app.installations for why in one.missing)


def test_values_are_merged_in_order_and_know_their_lines(tmp_path):
    write(
        tmp_path,
        {
            "release.yaml": release(
                "app",
                valuesFrom=[
                    {"kind": "ConfigMap", "name": "first"},
                    {"kind": "ConfigMap", "name": "second", "valuesKey": "more.yaml"},
                    {"kind": "Secret", "name": "none", "optional": True},
                ],
                values={"c": {"inline": True}},
            ),
            "first.yaml": "apiVersion: v1\nkind: ConfigMap\n"
            "metadata: {name: first, namespace: apps}\n"
            "data:\n  values.yaml: |\n    a: 1\n    b:\n      x: 1\n      y: 1\n",
            "second.yaml": "apiVersion: v1\nkind: ConfigMap\n"
            "metadata: {name: second, namespace: apps}\n"
            "data:\n  more.yaml: |\n    b:\n      y: 2\n",
        },
    )
    [app] = apps_in(tmp_path)
    [found] = app.releases
    assert found.values == {"a": 1, "b": {"x": 1, "y": 2}, "c": {"inline": True}}
    assert (found.place("b", "x").file, found.place("b", "x").line) == ("first.yaml", 8)
    assert (found.place("b", "y").file, found.place("b", "y").line) == ("second.yaml", 7)
    assert found.place("c", "inline").file == "release.yaml"


def test_of_two_equal_keys_in_values_the_last_counts_and_is_told(tmp_path):
    given = config_map("given", **{"values.yaml": "a: 1\nb: 2\na: 3\n"})
    chain = [{"kind": "ConfigMap", "name": "given"}]
    write(tmp_path, {"release.yaml": [release("app", valuesFrom=chain), given]})
    [found] = apps_in(tmp_path)[0].releases
    assert found.values == {"a": 3, "b": 2}
    assert "twice" in found.sources[0].repeated


def test_a_link_in_the_tree_is_applied_as_what_it_leads_to(tmp_path):
    write(
        tmp_path,
        {
            "app.yaml": kustomization("app", "./app"),
            "app/kustomization.yaml": {"resources": ["release.yaml"]},
            "shared/release.yaml": release("app"),
        },
    )
    (tmp_path / "app" / "release.yaml").symlink_to("../shared/release.yaml")
    (tmp_path / "LICENSE").symlink_to("../LICENSE")

    [app] = apps_in(tmp_path)

    assert [one.name for one in app.releases] == ["app"]
    assert (list(app.problems), [k.problems for k in app.kustomizations]) == ([], [()])
    assert [one for one in app.neighbours if one.kind == "HelmRelease"] == []
    assert app.linked == ("app/release.yaml",)


def test_a_link_that_leads_out_is_a_problem_only_where_it_is_needed(tmp_path):
    root = write(
        tmp_path / "tree",
        {
            "named.yaml": kustomization("named", "./named"),
            "named/kustomization.yaml": {"resources": ["release.yaml", "out.yaml"]},
            "named/release.yaml": release("named"),
            "scanned.yaml": kustomization("scanned", "./scanned"),
            "scanned/release.yaml": release("scanned"),
        },
    )
    (tmp_path / "out.yaml").write_text("a: b\n")
    for folder in ("named", "scanned", "."):
        (root / folder / "out.yaml").symlink_to(tmp_path / "out.yaml")
        (root / folder / "NOTES.md").symlink_to("nowhere")

    [named, scanned] = apps_in(root)

    [refused] = named.kustomizations[0].problems
    assert "symbolic link that cannot be followed: it leads out of the package" in refused.message
    assert [one.place.file for one in scanned.problems] == ["scanned/out.yaml"]
    assert list(named.problems) == []
