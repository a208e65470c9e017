"""Trees that are made to cost time, or to be misread."""

from __future__ import annotations

import time

import pytest
from flux_trees import apps_in, config_map, kustomization, release, write

from conformance.linter.files import YamlFiles
from conformance.linter.flux.kustomize import build
from conformance.linter.limits import Limits
from conformance.linter.reading.documents import parse
from conformance.linter.reading.tree import Tree

KUSTOMIZE = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}


def test_folders_that_only_lead_to_each_other_are_told(tmp_path):
    root = write(
        tmp_path,
        {
            "a/kustomization.yaml": {**KUSTOMIZE, "resources": ["../b", "release.yaml"]},
            "a/release.yaml": release("wiki"),
            "b/kustomization.yaml": {**KUSTOMIZE, "resources": ["../a"]},
        },
    )
    [app] = apps_in(root)
    assert ["leads back to itself" in one.message for one in app.above] == [True]


def test_kustomizations_that_all_make_the_variables_of_all_cost_little(tmp_path):
    number = 14
    files: dict[str, object] = {}
    for one in range(number):
        others = [f"ConfigMap c{other}" for other in range(number) if other != one]
        files[f"flux/k{one}.yaml"] = kustomization(f"k{one}", f"./f{one}", sources=others)
        files[f"f{one}/release.yaml"] = release(f"a{one}")
        files[f"f{one}/c.yaml"] = config_map(
            f"c{one}", "flux-system", **{f"v{one}": f"${{v{(one + 1) % number}}}"}
        )
    root = write(tmp_path, files)
    before = time.process_time()
    assert len(apps_in(root)) == number
    assert time.process_time() - before < 15


@pytest.mark.parametrize(
    "entry",
    [
        "https://example.org/base.yaml",
        "git@example.org:a/b",
        "git::https://example.org/a",
        "github.com/owner/repository/base",
        "example.org/a/b?ref=v1",
    ],
)
def test_what_kustomize_fetches_is_not_missed(tmp_path, entry):
    root = write(tmp_path, {"kustomization.yaml": {**KUSTOMIZE, "resources": [entry]}})
    built = build(YamlFiles(Tree.read(root), Limits()), ".")
    assert built.problems == []
    assert entry in built.beyond[0]


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("a: " + "[" * 20, "Nest it less deep."),
        ("a: [" + "1," * 50 + "]", "Split it into several documents"),
        ("---\na: 1\n" * 30, "Split the file into several."),
        ("a: b: c", ""),
    ],
)
def test_what_is_too_much_is_said_with_what_to_do(text, fix):
    _, problems = parse(text, "a.yaml", Limits(nodes=40, documents=20, depth=10))
    assert problems[0].fix.startswith(fix)
    assert bool(problems[0].fix) is bool(fix)


def test_a_file_that_is_too_large_is_said_with_what_to_do(tmp_path):
    (tmp_path / "a.yaml").write_text("a: " + "x" * 200)
    [problem] = Tree.read(tmp_path, Limits(file_bytes=100)).problems
    assert problem.fix == "Split the file, or keep it out of the package."
