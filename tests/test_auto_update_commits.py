"""The commits of the auto-update checks fit the package that is committed."""

from __future__ import annotations

import pytest
import yaml

from conformance.apps.flux_package import Commit, FluxPackage, copy_of
from conformance.capabilities.auto_update.commits import COMMITS, SPECIAL_NAME
from conformance.common.package import Package
from conformance.common.settings import data_root
from conformance.platform.reference.content import listed

NAME = "notes-copy"


@pytest.fixture(scope="module")
def package() -> FluxPackage:
    return copy_of(Package(data_root()), "notes", NAME, failure_after=7)


def test_a_copy_shares_no_object_with_the_app_it_is_a_copy_of(package: FluxPackage) -> None:
    original = copy_of(Package(data_root()), "notes", "notes", failure_after=7)

    def objects(of: FluxPackage) -> set[tuple[str, str]]:
        return {
            (document["kind"], document["metadata"]["name"])
            for path, text in of.files.items()
            if path.startswith("flux2/")
            for document in yaml.safe_load_all(text)
        }

    assert objects(package).isdisjoint(objects(original))
    assert len(objects(package)) == len(objects(original))


def test_a_copy_runs_the_same_image_from_a_chart_of_its_own(package: FluxPackage) -> None:
    release = yaml.safe_load(package.files[package.release])
    assert release["spec"]["chart"]["spec"]["chart"] == f"./charts/{NAME}"
    assert release["spec"]["upgrade"]["timeout"] == "7s"
    values = yaml.safe_load(package.files[f"charts/{NAME}/values.yaml"])
    assert values["image"]["repository"] == "docker.io/stackspin/notes"


@pytest.mark.parametrize("name", COMMITS)
def test_each_commit_changes_the_package(package: FluxPackage, name: str) -> None:
    changed = package.changes_to(package.with_commit(COMMITS[name]))
    assert bool(changed) == (name != "as_packaged")


@pytest.mark.parametrize("name", COMMITS)
def test_only_one_commit_is_not_yaml(package: FluxPackage, name: str) -> None:
    committed = package.with_commit(COMMITS[name])
    texts = [text for path, text in committed.files.items() if path.startswith("flux2/")]
    if name == "invalid_yaml":
        with pytest.raises(yaml.YAMLError):
            [list(yaml.safe_load_all(text)) for text in texts]
    else:
        assert [list(yaml.safe_load_all(text)) for text in texts]


def test_the_special_name_is_what_the_check_expects(package: FluxPackage) -> None:
    path = f"flux2/apps/{NAME}-secrets/{NAME}-kustomization-variables.yaml"
    text = package.with_commit(COMMITS["special_values"]).files[path]
    # Flux's substitution makes ${domain} of $${domain}.
    assert yaml.safe_load(text)["data"]["org_name"].replace("$$", "$") == SPECIAL_NAME


def test_an_edit_that_does_not_fit_is_refused(package: FluxPackage) -> None:
    edit = type(COMMITS["invalid_yaml"].edits[0])("{chart}/Chart.yaml", "nowhere", "")
    with pytest.raises(ValueError, match=r"Chart.yaml has 'nowhere' 0 times"):
        package.with_commit(Commit("does not fit", edits=(edit,)))


def test_the_tree_lists_each_app_once() -> None:
    tree = listed(listed("resources: [infrastructure]", add="apps/a.yaml"), add="apps/a.yaml")
    assert yaml.safe_load(tree)["resources"] == ["infrastructure", "apps/a.yaml"]
    assert yaml.safe_load(listed(tree, remove="apps/a.yaml"))["resources"] == ["infrastructure"]
