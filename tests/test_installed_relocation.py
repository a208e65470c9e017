"""Packages are moved to a run's own namespaces on a platform of others."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from conformance.apps.flux_package import copy_of
from conformance.common.package import Package
from conformance.common.settings import data_root
from conformance.platform.description import Ingress, Storage
from conformance.platform.installed.homes import APPS, RUN
from conformance.platform.installed.relocation import Relocation
from conformance.platform.installed.stack import as_runs_see
from conformance.platform.reference import reference_platform

HERE = as_runs_see(
    reference_platform("example.org").model_copy(
        update={
            "storage": Storage.model_validate({"class": "fast"}),
            "ingress": Ingress.model_validate({"class": "edge"}),
        }
    )
)
MOVE = Relocation(HERE, "flux-system", frozenset({"nginx", "notes-secrets"}))


def moved(content: str, path: str = "flux2/apps/one.yaml", **others: str) -> list[Any]:
    changes = {path: content, **others}
    result = MOVE.moved(changes, {})[path]
    assert isinstance(result, str)
    return list(yaml.safe_load_all(result))


def kustomization(name: str, *waits: str) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": name, "namespace": "flux-system"},
            "spec": {"path": f"./flux2/{name}", "dependsOn": [{"name": one} for one in waits]},
        }
    )


def test_flux_and_apps_have_namespaces_of_the_run() -> None:
    [release] = moved(
        "kind: HelmRelease\nmetadata: {name: notes, namespace: stackspin-apps}\n"
        "spec: {chart: {spec: {sourceRef: {name: stackspin, namespace: flux-system}}}}\n"
    )
    assert release["metadata"]["namespace"] == APPS
    source = release["spec"]["chart"]["spec"]["sourceRef"]
    assert source == {"name": "stackspin", "namespace": RUN}


def test_a_namespace_in_a_text_is_moved_and_a_longer_word_is_not() -> None:
    data = "{url: http://a.stackspin-apps.svc, b: stackspin-apps-custom}"
    [made] = moved(f"kind: ConfigMap\ndata: {data}\n")
    assert made["data"] == {"url": f"http://a.{APPS}.svc", "b": "stackspin-apps-custom"}


def test_it_waits_for_its_own_and_for_what_the_platform_has() -> None:
    text = kustomization("notes", "notes-secrets", "nginx", "operator")
    [made] = moved(text)
    assert made["spec"]["dependsOn"] == [
        {"name": "notes-secrets", "namespace": "flux-system"},
        {"name": "nginx", "namespace": "flux-system"},
    ]
    secrets = {"flux2/apps/two.yaml": kustomization("notes-secrets")}
    [made] = moved(text, **secrets)
    assert made["spec"]["dependsOn"] == [
        {"name": "notes-secrets"},
        {"name": "nginx", "namespace": "flux-system"},
    ]


def test_claims_have_the_storage_class_of_the_platform_unless_they_want_another() -> None:
    for wanted, got in (("local-path", "fast"), ("tape", "tape")):
        [made] = moved(f"kind: PersistentVolumeClaim\nspec: {{storageClassName: {wanted}}}\n")
        assert made["spec"]["storageClassName"] == got


@pytest.mark.parametrize(
    ("values", "given", "got"),
    [
        ("ingress: {className: nginx}\n", {}, {"ingress": {"className": "edge"}}),
        ("ingress: {className: edge}\n", {}, {}),
        ("port: 80\n", {}, {}),
        (
            "ingress: {className: nginx}\n",
            {"ingress": {"className": "own"}},
            {"ingress": {"className": "own"}},
        ),
        (
            "ingress: {className: nginx}\n",
            {"ingress": {"tls": True}},
            {"ingress": {"tls": True, "className": "edge"}},
        ),
    ],
)
def test_a_chart_with_a_value_for_it_gets_the_ingress_class(
    values: str, given: dict[str, Any], got: dict[str, Any]
) -> None:
    spec = {"chart": {"spec": {"chart": "./charts/notes"}}, "values": given}
    text = yaml.safe_dump({"kind": "HelmRelease", "spec": spec})
    [made] = moved(text, **{"charts/notes/values.yaml": values})
    assert made["spec"].get("values") == got


def test_what_is_no_manifest_and_what_nobody_can_read_stays() -> None:
    changes = {
        "charts/notes/templates/a.yaml": "namespace: stackspin-apps\n",
        "flux2/apps/notes/a.txt": "stackspin-apps",
        "flux2/apps/notes/broken.yaml": "a: [stackspin-apps\n",
        "flux2/apps/gone.yaml": None,
        "flux2/apps/notes/raw.yaml": b"\xff",
    }
    assert MOVE.moved(changes, {}) == changes


def test_a_copy_of_a_reference_app_is_all_of_it_in_the_runs_namespaces() -> None:
    copy = copy_of(Package(data_root()), "notes", "notes-abc", failure_after=60)
    moved_files = MOVE.moved(copy.files, {})
    known = [{"name": "notes-abc-secrets"}, {"name": "nginx", "namespace": "flux-system"}]
    tree = {path: str(text) for path, text in moved_files.items() if path.startswith("flux2/")}
    assert tree
    for path, text in tree.items():
        for document in yaml.safe_load_all(text):
            assert document["metadata"]["namespace"] in {APPS, RUN}, path
            for one in document.get("spec", {}).get("dependsOn", ()):
                assert one in known
