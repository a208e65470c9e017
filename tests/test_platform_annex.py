"""The annex: its tree is whole, and discovery finds what its description says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from annex_platform import ADDRESS, ANNEX, DEFECTS, Annex, documents, installer, said
from check_sources import sources
from described_clusters import FakeWeb, reference

from conformance.common.settings import PROJECT_ROOT
from conformance.components.catalogue import CATALOGUE
from conformance.components.parts import ImagePart
from conformance.kube.objects import Object
from conformance.linter.facts.kubernetes_schema import validate
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import parse
from conformance.platform.checking import read_for_check, what_does_not_hold
from conformance.platform.description import Platform
from conformance.platform.discovery import discover
from conformance.platform.reference import reference_platform

DESCRIPTION = ANNEX / "platform.yaml"
ISSUER = "https://login.annex.test/"


@pytest.fixture(scope="module")
def annex() -> Annex:
    return Annex()


def web() -> FakeWeb:
    return FakeWeb(ISSUER, trusted="annex-authority")


def values(tree: object) -> set[str]:
    if isinstance(tree, dict):
        return {one for item in tree.values() for one in values(item)}
    if isinstance(tree, list | tuple):
        return {one for item in tree for one in values(item)}
    return {tree} if isinstance(tree, str) else set()


def problems_of(item: Object) -> list[str]:
    """What Kubernetes would refuse of an object."""
    if "apiVersion" not in item or item["kind"] == "CustomResourceDefinition":
        return []
    [document] = parse(yaml.safe_dump(item), item["metadata"]["name"])[0]
    found = validate(Manifest(document.value, document.file, document.line))
    return [f"{item['kind']} {item['metadata']['name']}: {one.message}" for one in found]


def test_discovery_finds_what_the_description_says(annex: Annex) -> None:
    made = discover(annex.cluster(), web())  # type: ignore[arg-type]
    found = made.platform().model_dump(by_alias=True)
    described = Platform.read(DESCRIPTION).model_dump(by_alias=True)
    for each in (found, described):
        del each["implementation"], each["exempt"]  # what only people say
    assert found == described
    assert set(made.missing) >= {"storage.retained"}
    assert "suspended now, which is no failure" in made.found["flux.source"].how


def test_the_description_holds(annex: Annex) -> None:
    document, platform, problems = read_for_check(DESCRIPTION)
    wrong = what_does_not_hold(document, platform, annex.cluster(), web())  # type: ignore[arg-type]
    assert [*problems, *wrong] == []


def test_only_names_that_every_stackspin_has_are_the_references() -> None:
    described = Platform.read(DESCRIPTION).model_dump(by_alias=True)
    other = reference_platform("annex.test").model_dump(by_alias=True)
    for each in (described, other):
        del each["implementation"], each["features"], each["single_sign_on"]["pages"]
    assert values(described) & values(other) - {""} == {
        "annex.test",
        "flux-system",
        "stackspin",
        "stackspin-apps",
        "velero",
    }


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Service"])
def test_no_part_is_called_as_the_references_are(annex: Annex, kind: str) -> None:
    ours = {item["metadata"]["name"] for item in annex.of(kind)}
    theirs = {item["metadata"]["name"] for item in reference().all(kind)}
    flux = {"source-controller", "kustomize-controller", "helm-controller"}
    # Velero looks for itself and its node agent by name; the provisioner is in another namespace.
    assert ours & theirs <= {*flux, "velero", "node-agent", "local-path-provisioner"}


def test_every_object_is_valid(annex: Annex) -> None:
    assert [problem for item in annex.objects for problem in problems_of(item)] == []


def test_every_image_is_a_component(annex: Annex) -> None:
    known = {part.reference for part in CATALOGUE.values() if isinstance(part, ImagePart)}
    used = {
        container["image"]
        for item in annex.objects
        if item["kind"] in ("Deployment", "StatefulSet", "DaemonSet")
        for key in ("containers", "initContainers")
        for container in item["spec"]["template"]["spec"].get(key, ())
    }
    assert "docker.io/library/mariadb:10.11" in used
    helper = yaml.safe_load((ANNEX / "tree/charts/volumes/values.yaml").read_text())["helper"]
    assert {*used, helper} <= known


def test_its_crds_are_those_that_the_operator_and_velero_serve() -> None:
    for path in (PROJECT_ROOT / "charts" / "operator" / "crds").glob("*.yaml"):
        copy = ANNEX / "tree" / "charts" / "controller" / "crds" / path.name
        assert copy.read_text() == path.read_text()
    known = json.loads((PROJECT_ROOT / "conformance/linter/schemas/crds.json").read_text())
    crds = documents(ANNEX / "tree/charts/velero/crds/velero.yaml")
    assert {crd["spec"]["group"] for crd in crds} == {"velero.io"}
    kinds = {key.rpartition("/")[2] for key in known["velero.io"]}
    assert {crd["spec"]["names"]["kind"] for crd in crds} >= kinds


def test_overrides_are_beside_their_releases(annex: Annex) -> None:
    namespaces = set()
    for release in annex.of("HelmRelease"):
        name = release["metadata"]["name"]
        namespaces.add(release["metadata"]["namespace"])
        optional = [one for one in release["spec"]["valuesFrom"] if one.get("optional")]
        assert {one["name"] for one in optional} == {f"stackspin-{name}-override"}
        assert {one["kind"] for one in optional} == {"ConfigMap", "Secret"}
    assert len(namespaces) > 4


def test_what_a_kustomization_waits_for_exists(annex: Annex) -> None:
    names = {item["metadata"]["name"] for item in annex.of("Kustomization")}
    for item in annex.of("Kustomization"):
        assert {one["name"] for one in item["spec"].get("dependsOn", ())} <= names
        assert (ANNEX / "tree" / item["spec"]["path"]).is_dir()


def test_there_is_no_second_factor_and_one_backup_of_everything(annex: Annex) -> None:
    config = yaml.safe_load(annex.one("ConfigMap", "identities-config")["data"]["config.yaml"])
    methods = config["selfservice"]["methods"]
    assert {name for name, one in methods.items() if one["enabled"]} == {"password", "code"}
    [schedule] = annex.of("Schedule")
    template = schedule["spec"]["template"]
    assert (template["includedNamespaces"], template["excludedNamespaces"]) == (["*"], ["velero"])
    assert annex.one("BackupStorageLocation", "offsite")["spec"]["objectStorage"] == {
        "bucket": "customers",
        "prefix": "annex",
    }


def test_the_script_says_what_it_takes() -> None:
    script = ANNEX / "install.py"
    argv = [sys.executable, str(script), "--help"]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30).stdout
    assert "--kubeconfig" in shown
    assert "--defect" in shown
    assert "conformance" not in script.read_text()


def test_the_script_gives_every_variable_that_the_tree_leaves_open() -> None:
    given = installer().variables("annex.test", ADDRESS, {"access_key": "a", "secret_key": "b"})
    assert all(
        value.isascii() and '"' not in value and "$" not in value for value in given.values()
    )


def test_names_of_the_domain_are_added_to_the_clusters_dns_once() -> None:
    with_names = installer().with_names
    added = with_names(".:53 {\n    errors\n}\n", "annex.test", "192.0.2.1")
    assert added.startswith("annex.test:53 {\n")
    assert added.endswith("}\n.:53 {\n    errors\n}\n")
    again = with_names(added, "annex.test", "192.0.2.2")
    assert again == added.replace("192.0.2.1", "192.0.2.2")


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_the_certificate_is_of_its_own_authority(tmp_path: Path) -> None:
    issued = installer().certificate("annex.test")
    for name, text in issued.items():
        (tmp_path / name).write_text(text)
    checked = ["openssl", "verify", "-x509_strict", "-CAfile", "ca.crt", "tls.crt"]
    subprocess.run(checked, cwd=tmp_path, check=True, capture_output=True, timeout=30)
    asked = ["openssl", "x509", "-in", "tls.crt", "-noout", "-ext", "subjectAltName"]
    shown = subprocess.run(asked, cwd=tmp_path, check=True, capture_output=True, timeout=30).stdout
    assert b"DNS:annex.test, DNS:*.annex.test" in shown


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ANNEX / "tree", tmp_path / "tree"))


def test_there_are_ten_defects_each_for_another_check() -> None:
    assert len(DEFECTS) == 10
    assert len({said(patch)["Found by"] for patch in DEFECTS}) == 10


@pytest.mark.parametrize("patch", DEFECTS, ids=lambda patch: patch.stem)
def test_a_defect_applies_and_what_it_changes_is_valid(
    patch: Path, tree: Path, annex: Annex
) -> None:
    words = said(patch)
    assert set(words) == {"Defect", "Found by"}
    assert words["Defect"].endswith(".")
    assert words["Found by"] in sources()
    applied = ["git", "apply", str(patch)]
    subprocess.run(applied, cwd=tree, check=True, capture_output=True, timeout=30)
    defective = Annex(tree)
    changed = [item for item in defective.objects if item not in annex.objects]
    arguments = "flux2/infrastructure/flux/kustomization.yaml"  # patches, which are not rendered
    assert changed or (tree / arguments).read_text() != (ANNEX / "tree" / arguments).read_text()
    assert [problem for item in changed for problem in problems_of(item)] == []
    document, platform, _ = read_for_check(DESCRIPTION)
    # What is not as described is reported before any check.
    assert what_does_not_hold(document, platform, defective.cluster(), web()) == []  # type: ignore[arg-type]
