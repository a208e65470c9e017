"""The annex can be judged as a tree: what it has beside its tree is written for such a run."""

from __future__ import annotations

import stat
import subprocess
import sys

import pytest
from annex_platform import ANNEX

from conformance.common.settings import Settings
from conformance.platform.tree.given import GivenTree, given_tree
from conformance.platform.tree.stack import images_of


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> GivenTree:
    folder = tmp_path_factory.mktemp("annex")
    subprocess.run([sys.executable, ANNEX / "beside.py", folder], check=True)
    for name in (".flux.env", "setup/secrets.json"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    found = given_tree(
        Settings(
            platform=str(ANNEX / "platform.yaml"),
            platform_repository=str(ANNEX / "tree"),
            platform_branch="v2",
            platform_path="flux2/cluster/base",
            platform_setup=folder / "setup",
            platform_variables=folder / ".flux.env",
        )
    )
    assert found is not None
    return found


def test_nothing_is_taken_from_elsewhere(given: GivenTree) -> None:
    assert given.elsewhere == ()
    assert given.files == given.content.files


def test_what_is_elsewhere_is_there_but_not_the_forge(given: GivenTree) -> None:
    items = [
        one for each in given.setup for one in (each["items"] if each["kind"] == "List" else [each])
    ]
    names = {(one["kind"], one["metadata"]["name"]) for one in items}
    assert {
        ("Namespace", "provider"),
        ("Namespace", "stackspin"),
        ("Deployment", "s3"),
        ("Deployment", "mailbox"),
        ("Secret", "platform-certificate"),
        ("ConfigMap", "annex-authority"),
        ("Secret", "s3-customer"),
    } <= names
    assert ("Deployment", "forge") not in names


def test_the_keys_to_the_store_are_the_same_in_both(given: GivenTree) -> None:
    listed = next(one for one in given.setup if one["kind"] == "List")
    [keys] = [
        one["stringData"] for one in listed["items"] if one["metadata"]["name"] == "s3-customer"
    ]
    assert given.variables["backup_s3_aws_secret_access_key"] == keys["secret_key"]


def test_all_that_it_runs_is_pushed(given: GivenTree) -> None:
    wanted = {"image-mariadb", "image-mailpit", "image-seaweedfs", "image-kratos", "image-velero"}
    assert wanted <= {*images_of(given)}
