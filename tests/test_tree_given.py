"""The tree that a run is given: looked at before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.common.errors import HarnessError
from conformance.common.settings import Settings, data_root
from conformance.platform.tree.given import GivenTree, given_tree
from conformance.platform.tree.stack import images_of, to_address
from tests.maintainers_tree import FILES, chart, committed, write


def given(folder: Path, **more: Any) -> GivenTree:
    found = given_tree(Settings(platform_repository=str(folder), **more))
    assert found is not None
    return found


def test_without_the_option_there_is_none() -> None:
    assert given_tree(Settings()) is None


def test_a_tree_says_what_it_is_and_what_the_cluster_fetches(tmp_path: Path) -> None:
    found = given(committed(tmp_path / "mine"))
    assert found.described.flux.root == "stackspin"
    assert found.document.file == "platform.yaml"
    first, second = found.notes
    assert first.startswith("platform: mine at commit ")
    assert first.endswith("; Flux begins at flux2")
    assert second.startswith("platform: HelmRepository vendor (https://charts.example.org/; ")
    assert second.endswith("give --source=vendor=FOLDER")


def test_what_is_not_committed_is_said(tmp_path: Path) -> None:
    notes = given(write(tmp_path / "mine")).notes
    assert "platform: what is judged is not what is committed" in notes


def test_a_source_that_is_given_is_not_fetched(tmp_path: Path) -> None:
    folder = chart(tmp_path / "charts", "velero")
    found = given(write(tmp_path / "mine"), source=(f"vendor={folder}",))
    assert found.elsewhere == ()
    assert b"conformance-vendor" in found.files["flux2/velero/release.yaml"]
    assert b"conformance-vendor" not in found.content.files["flux2/velero/release.yaml"]


def test_a_source_that_the_tree_does_not_have_is_refused(tmp_path: Path) -> None:
    tree = write(tmp_path / "mine")
    with pytest.raises(HarnessError, match="did you mean vendor"):
        given(tree, source=(f"vendro={tmp_path}",))


def test_the_description_may_be_elsewhere(tmp_path: Path) -> None:
    tree = write(tmp_path / "mine")
    elsewhere = tmp_path / "other.yaml"
    elsewhere.write_text(
        (tree / "platform.yaml").read_text().replace("root: stackspin", "root: all")
    )
    assert given(tree, platform=str(elsewhere)).described.flux.root == "all"
    (tree / "platform.yaml").unlink()
    with pytest.raises(HarnessError, match="no description of the platform"):
        given(tree)


def test_a_folder_that_flux_cannot_begin_at_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="there is no folder flux3 in mine"):
        given(write(tmp_path / "mine"), platform_path="flux3")


@pytest.mark.parametrize(
    "more",
    [
        {"source": ("a=b",)},
        {"platform_setup": Path("setup")},
        {"platform_variables": Path("variables")},
        {"previous_platform": "previous"},
    ],
)
def test_what_belongs_to_a_tree_is_refused_without_one(more: dict[str, Any]) -> None:
    with pytest.raises(HarnessError, match="give the tree, too"):
        given_tree(Settings(**more))


def test_the_release_before_is_read_as_the_tree_is(tmp_path: Path) -> None:
    previous = tmp_path / "previous"
    write(previous, {**FILES, "flux2/old.yaml": "kind: ConfigMap\n"})
    tree = write(tmp_path / "mine")
    found = given(tree, previous_platform=str(previous))
    assert found.previous is not None
    assert "flux2/old.yaml" in found.previous.files
    assert "flux2/old.yaml" not in found.files
    assert found.previous.previous is None
    assert any("upgraded from previous" in line for line in found.notes)
    assert given(tree).previous is None


def test_what_is_wrong_with_the_release_before_is_said_of_it(tmp_path: Path) -> None:
    with pytest.raises(
        HarnessError, match=r"--previous-platform=nowhere: nowhere: there is no such folder"
    ):
        given(write(tmp_path / "mine"), previous_platform="nowhere")


def test_a_cluster_of_others_gets_no_tree(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="on a fresh cluster of the suite's"):
        given(write(tmp_path / "mine"), cluster="existing")


def test_manifests_of_what_is_elsewhere_are_read_in_order(tmp_path: Path) -> None:
    setup = tmp_path / "setup"
    (setup / "b").mkdir(parents=True)
    (setup / "b" / "1.yaml").write_text("apiVersion: v1\nkind: Secret\n---\n")
    (setup / "a.yml").write_text("apiVersion: v1\nkind: Namespace\n")
    (setup / "README.md").write_text("no manifest")
    found = given(write(tmp_path / "mine"), platform_setup=setup)
    assert [one["kind"] for one in found.setup] == ["Namespace", "Secret"]


@pytest.mark.parametrize(
    ("text", "why"), [("a: [\n", "cannot be read"), ("kind: x\n", "not a Kubernetes object")]
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str, why: str) -> None:
    setup = tmp_path / "setup"
    setup.mkdir()
    (setup / "a.yaml").write_text(text)
    with pytest.raises(HarnessError, match=why):
        given(write(tmp_path / "mine"), platform_setup=setup)


def test_the_suites_images_that_the_tree_names_are_pushed(tmp_path: Path) -> None:
    values = "image:\n  repository: oryd/hydra\n  tag: v2\n---\nimage: mariadb-operator/x:1\n"
    found = images_of(given(write(tmp_path / "mine", {**FILES, "flux2/values.yaml": values})))
    assert {"image-git-server", "image-coredns", "image-hydra"} <= {*found}
    assert not {"image-kratos", "image-mariadb", "image-debian"} & {*found}
    repository = "image: docker.io/oryd/kratos:v1\n"
    assert "image-kratos" in images_of(
        given(write(tmp_path / "other", {**FILES, "flux2/values.yaml": repository}))
    )


def test_all_names_of_the_domain_lead_to_the_node() -> None:
    corefile = (data_root() / "fixtures/bootstrap/coredns.yaml").read_text()
    assert corefile.count("${names}") == 1
    assert 'answer "{{ .Name }} 30 IN A 10.1.2.3"' in to_address("example.org", "10.1.2.3")
