"""What kustomize makes of a folder: as kubectl does.

``expected`` in tests/kustomize is the output of ``kubectl kustomize`` (kustomize 5.8.1); ``fails``
says that it refuses the folder.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from conformance.linter.files import YamlFiles
from conformance.linter.flux.kustomize import Build, build
from conformance.linter.limits import Limits
from conformance.linter.manifest import Manifest
from conformance.linter.reading.tree import Tree

CASES = {
    path.stem: yaml.safe_load(path.read_text())
    for path in sorted((Path(__file__).parent / "kustomize").glob("*.yaml"))
}


def tree_of(files: dict[str, str]) -> YamlFiles:
    content = {path: text.encode() for path, text in files.items()}
    folders = {str(one) for path in files for one in PurePosixPath(path).parents}
    return YamlFiles(Tree("tree", (), content, frozenset(folders), []), Limits())


def built(files: dict[str, str], folder: str = "app", flux: Manifest | None = None) -> Build:
    return build(tree_of(files), folder, flux)


def by_name(objects: list[Any]) -> list[Any]:
    return sorted(objects, key=lambda one: (one["kind"], one["metadata"]["name"]))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "expected" in case])
def test_a_folder_comes_to_what_kubectl_makes_of_it(name):
    case = CASES[name]

    found = built(case["files"], case["folder"])

    assert (found.problems, found.beyond) == ([], [])
    assert by_name([one.value for one in found.objects]) == by_name(case["expected"])


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "fails" in case])
def test_a_folder_that_kubectl_refuses_has_a_problem_with_its_place(name):
    case = CASES[name]

    [problem] = built(case["files"], case["folder"]).problems

    assert problem.place.file == "app/kustomization.yaml"
    assert "kustomize fails" in problem.message


CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
spec:
  accessModes: [ReadWriteOnce]
"""
LABELLED = "- op: add\n  path: /metadata/labels\n  value: {set: app}\n"


def flux(**spec: Any) -> Manifest:
    value = {"kind": "Kustomization", "metadata": {"name": "app"}, "spec": spec}
    return Manifest(value, "app.yaml", lambda _: 7)


def test_what_a_flux_kustomization_says_counts_for_a_folder_without_a_file():
    made = built(
        {"app/claim.yaml": CLAIM},
        flux=flux(
            targetNamespace="apps",
            namePrefix="my-",
            patches=[{"target": {"kind": "PersistentVolumeClaim"}, "patch": LABELLED}],
        ),
    )

    [claim] = made.objects
    assert (claim.namespace, claim.name, claim.labels) == ("apps", "my-data", {"set": "app"})
    assert (claim.file, claim.line_of(("spec", "accessModes"))) == ("app/claim.yaml", 6)


def test_patches_and_components_of_flux_come_after_those_of_the_folder():
    made = built(
        {
            "app/kustomization.yaml": "resources: [claim.yaml]\nnamespace: first\n"
            "labels: [{pairs: {a: file}}]\n",
            "app/claim.yaml": CLAIM,
            "part/kustomization.yaml": "kind: Component\ncommonAnnotations: {by: part}\n",
        },
        flux=flux(
            components=["../part"],
            targetNamespace="second",
            patches=[{"patch": f"{CLAIM}  volumeName: one\n"}],
        ),
    )

    [claim] = made.objects
    assert (claim.namespace, claim.labels) == ("second", {"a": "file"})
    assert (claim.annotations, claim.get("spec", "volumeName")) == ({"by": "part"}, "one")


@pytest.mark.parametrize("ignored", [True, False])
def test_a_missing_component_of_flux_is_a_problem_unless_it_may_be_missing(ignored):
    spec = flux(components=["../none"], ignoreMissingComponents=ignored)

    problems = built({"app/claim.yaml": CLAIM}, flux=spec).problems

    assert [one.place.file for one in problems] == ([] if ignored else ["app.yaml"])


def test_a_patch_of_what_is_not_in_the_package_is_no_problem():
    made = built(
        {
            "app/kustomization.yaml": "resources: ['https://example.org/base?ref=v1']\n"
            "patches: [{path: patch.yaml}]\n",
            "app/patch.yaml": CLAIM,
        }
    )

    assert made.problems == []
    assert made.beyond == [
        "app/kustomization.yaml names https://example.org/base?ref=v1, which is not in the package"
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("helmCharts: [{name: a}]\n", "helmCharts"),
        ("transformers: [a.yaml]\n", "transformers"),
        (
            "patches: [{target: {labelSelector: 'a > 1'}, patch: '- {op: remove, path: /x}'}]\n",
            "target",
        ),
        (
            f"patches: [{{target: {{labelSelector: '{'a,' * 1_001}a'}}, patch: '[]'}}]\n",
            "target",
        ),
        (
            "patches: [{target: {kind: '(a+)+b'}, patch: '- {op: remove, path: /x}'}]\n",
            "target",
        ),
    ],
)
def test_what_is_not_followed_is_said(content, says):
    files = {"app/kustomization.yaml": f"resources: [claim.yaml]\n{content}"}

    made = built({**files, "app/claim.yaml": CLAIM})

    assert made.problems == []
    [sentence] = made.beyond
    assert says in sentence


@pytest.mark.parametrize(
    "content",
    [
        "resources: {a: b}\npatches: 7\nlabels: x\nimages: [1]\nreplicas: [{name: data}]\n",
        "resources: [claim.yaml]\npatches: [1, {patch: 2}, {patch: '- 3', target: 4}, null]\n",
        "resources: [claim.yaml]\nreplacements: [1, {source: 2, targets: 3}, {path: 4}]\n",
        "resources: [claim.yaml]\nconfigMapGenerator: [1, {literals: 2, files: [3]}]\n",
        "resources: [claim.yaml]\nlabels: [{pairs: {a: 1}, fields: [{path: spec}, 2]}]\n",
        "- a\n",
        "just text\n",
    ],
)
def test_nonsense_is_read_without_an_error(content):
    built({"app/kustomization.yaml": content, "app/claim.yaml": CLAIM})


def test_a_patch_that_doubles_an_object_again_and_again_is_not_followed():
    doubled = "".join(f"- {{op: copy, from: '', path: /x{n}}}\n" for n in range(60))
    text = "resources: [claim.yaml]\npatches: [{target: {kind: .*}, path: p.yaml}]\n"

    made = built({"app/kustomization.yaml": text, "app/claim.yaml": CLAIM, "app/p.yaml": doubled})

    assert len(made.beyond) == 1


def test_folders_that_multiply_are_not_followed_for_ever():
    files = {f"{n}/kustomization.yaml": f"resources: [../{n + 1}, ../{n + 1}]\n" for n in range(30)}

    made = built({**files, "30/kustomization.yaml": "resources: [a.yaml]\n"}, "0")

    assert "more than 500 folders" in made.beyond[-1]


def test_lines_follow_what_a_patch_moves():
    deployment = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: web
          image: web:1
"""
    patch = deployment.replace("name: web\n          image: web:1", "name: first")
    files = {
        "app/kustomization.yaml": "resources: [web.yaml]\npatches: [{path: patch.yaml}]\n",
        "app/web.yaml": deployment,
        "app/patch.yaml": patch,
    }

    [web] = built(files).objects

    names = [one["name"] for one in web.get("spec", "template", "spec", "containers")]
    assert names == ["first", "web"]
    assert web.line_of(("spec", "template", "spec", "containers", 1, "image")) == 10
