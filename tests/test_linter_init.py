"""``app --init``: where the drafts are written, and that nothing is written over."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
import yaml
from drafts import CHARTS, copied, only, read
from linter_packages import GOOD

from conformance.apps.package.description import description_of, read_description
from conformance.common.errors import HarnessError
from conformance.linter.draft.description import describe
from conformance.linter.draft.init import init, told
from conformance.linter.limits import Limits
from conformance.linter.lint import lint

pytestmark = pytest.mark.usefixtures("one_renderer")


def test_an_image_is_built_where_its_dockerfile_is(tmp_path: Path) -> None:
    root = copied(CHARTS["polls"], tmp_path)
    (root / "image").mkdir()
    (root / "image" / "Dockerfile").write_text("FROM scratch\n")
    [draft] = init(root)
    [image] = read(root, draft).images
    assert (image.image, image.context) == ("docker.io/stackspin/polls:2.4.1", "image")
    assert not [one for one in draft.todo if one.startswith("images")]


def test_of_several_images_the_one_of_the_same_name_is_built(tmp_path: Path) -> None:
    root = copied(GOOD / "existing-claims", tmp_path)
    (root / "images" / "wiki").mkdir(parents=True)
    (root / "images" / "wiki" / "Dockerfile").write_text("FROM scratch\n")
    [draft] = init(root)
    [image] = read(root, draft).images
    assert (image.image, image.context) == (
        "docker.io/stackspin/wiki:2.5.303",
        "../../images/wiki",
    )
    assert (
        "#   - image: docker.io/library/postgres:16.4" in draft.files["helm/wiki/conformance.yaml"]
    )


@pytest.mark.parametrize(
    ("style", "place", "host", "path"),
    [
        ("flux-app", "charts/board", "board.${domain}", "/health/ready"),
        ("existing-claims", "helm/wiki", "wiki.${domain}", "/healthz"),
        ("remote-chart", "apps/forge/forgejo", "forge.${domain}", "/"),
        ("no-login", "charts/pad", "pad.${domain}", "/health"),
        ("static-site", ".", "www.${domain}", "/"),
    ],
)
def test_a_package_is_described_where_flux_does_not_look(
    style: str, place: str, host: str, path: str, tmp_path: Path
) -> None:
    root = copied(GOOD / style, tmp_path)
    before = only(root)
    [draft] = init(root)
    after = only(root)
    assert [*draft.files] == [os.path.normpath(f"{place}/conformance.yaml")]
    assert (after.level, after.findings) == (before.level, before.findings)
    found = read(root, draft)
    assert found.serves is not None
    assert (found.host, found.serves.path) == (host, path)
    assert description_of(root, after.app) == (root / place / "conformance.yaml", found)


def test_what_a_package_has_not_is_said(tmp_path: Path) -> None:
    root = copied(GOOD / "static-site", tmp_path)
    [draft] = init(root)
    found = read(root, draft)
    assert found.without.data == "the package has no claim"
    assert found.without.login == "the package has no OAuth2Client"
    assert draft.todo == ("images: those that no registry has",)


def test_http_authentication_is_expected(tmp_path: Path) -> None:
    root = copied(GOOD / "no-login", tmp_path)
    [draft] = init(root)
    found = read(root, draft)
    assert found.serves is not None
    assert found.serves.status == 401


def test_a_chart_from_elsewhere_is_named(tmp_path: Path) -> None:
    root = copied(GOOD / "remote-chart", tmp_path)
    [draft] = init(root)
    [text] = draft.files.values()
    assert "#   - chart: forgejo # of HelmRepository forgejo, version" in text
    assert any(one.startswith("charts:") for one in draft.todo)


def test_the_drafted_parts_are_right_once_they_are_no_comments(tmp_path: Path) -> None:
    """Who takes the hashes away has a description that can be read."""
    root = copied(GOOD / "remote-chart", tmp_path)
    [app] = [one.app for one in lint(root, rules=()).apps]
    text = describe(app).text()
    keys = ("# host", "# charts:", "# data:", "# login:", "# images:", "#   ", "#     ")
    lines = [
        line.removeprefix("# ") if line.startswith(keys) else line for line in text.splitlines()
    ]
    lines = [line.replace("#  ", " ", 1) if line.startswith("#  ") else line for line in lines]
    path = tmp_path / "conformance.yaml"
    path.write_text("\n".join(lines))
    found = read_description(path)
    assert found.data is not None
    assert found.login is not None
    assert [one.chart for one in found.charts] == ["forgejo"]
    assert [one.image for one in found.images] == ["docker.io/example/app:1.0"]


def test_a_folder_that_flux_applies_as_a_whole_takes_no_description(tmp_path: Path) -> None:
    root = copied(GOOD / "static-site", tmp_path)
    shutil.move(root / "website" / "public", root / "public")
    for file in (root / "public").iterdir():
        shutil.move(file, root)
    with pytest.raises(HarnessError, match="there is no folder"):
        init(root)


def test_a_chart_in_a_tree_keeps_its_place(tmp_path: Path) -> None:
    copied(CHARTS["wiki"], tmp_path / "helm")
    [draft] = init(tmp_path)
    assert "helm/wiki/conformance.yaml" in draft.files
    release = yaml.safe_load(draft.files["flux2/apps/wiki/release.yaml"])
    assert release["spec"]["chart"]["spec"]["chart"] == "./helm/wiki"
    assert only(tmp_path).level == 3


def test_a_tree_with_several_charts_gets_a_package_for_each(tmp_path: Path) -> None:
    for name in ("notes", "wiki"):
        copied(CHARTS[name], tmp_path / "charts")
    drafts = init(tmp_path)
    assert [one.app for one in drafts] == ["notes", "wiki"]
    assert {one.name: one.level for one in lint(tmp_path).apps} == {"notes": 3, "wiki": 3}
    assert "wrote    " in told(tmp_path, drafts)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    root = copied(CHARTS["notes"], tmp_path)
    (root / "flux2" / "apps" / "notes").mkdir(parents=True)
    (root / "flux2" / "apps" / "notes" / "pvc.yaml").write_text("mine")
    with pytest.raises(HarnessError, match=r"pvc.yaml is there already: nothing was written"):
        init(root)
    assert not (root / "conformance.yaml").exists()
    assert (root / "flux2" / "apps" / "notes" / "pvc.yaml").read_text() == "mine"


def test_a_chart_that_is_described_gets_the_package_that_the_description_is_of(
    tmp_path: Path,
) -> None:
    root = shutil.copytree(CHARTS["notes"], tmp_path / "notes")
    before = (root / "conformance.yaml").read_text()
    [draft] = init(root)
    assert (root / "conformance.yaml").read_text() == before
    assert draft.todo == ()
    client = yaml.safe_load(draft.files["flux2/apps/notes/oauth2-client.yaml"])["spec"]
    assert client["backChannelLogoutURI"] == "https://${notes_domain}/oidc/backchannel-logout"
    values = yaml.safe_load(draft.files["flux2/apps/notes/values-configmap.yaml"])["data"]
    assert yaml.safe_load(values["values.yaml"])["apiToken"]["existingSecret"] == "notes-api-token"
    [secret] = yaml.safe_load_all(draft.files["flux2/apps/notes/secrets.yaml"])
    assert secret["metadata"]["name"] == "notes-api-token"
    assert (only(root).level, only(root).findings) == (3, ())
    with pytest.raises(HarnessError, match="is there already: nothing was written"):
        init(root)


@pytest.mark.parametrize(
    ("described", "host"),
    [
        ("host: www.${domain}", "www.${domain}"),
        ('host: "a: b"', "wiki.${domain}"),
        ("[]", "wiki.${domain}"),
        ("secrets: [a, {name: b}, {name: c, data: {1: x}}]", "wiki.${domain}"),
        ("login: {redirect_uri: 'a\\n\"b'}", "wiki.${domain}"),
    ],
)
def test_what_cannot_be_of_a_description_is_as_if_not_there(
    described: str, host: str, tmp_path: Path
) -> None:
    root = copied(CHARTS["wiki"], tmp_path)
    (root / "conformance.yaml").write_text(described)
    [draft] = init(root)
    variables = draft.files["flux2/apps/wiki-secrets/wiki-kustomization-variables.yaml"]
    assert yaml.safe_load(variables)["data"]["wiki_domain"] == host
    client = yaml.safe_load(draft.files["flux2/apps/wiki/oauth2-client.yaml"])["spec"]
    assert client["redirectUris"] == ["https://${wiki_domain}/oidc/callback"]


def test_a_link_leads_nowhere_else(tmp_path: Path) -> None:
    root = copied(CHARTS["notes"], tmp_path)
    (tmp_path / "outside").mkdir()
    (root / "flux2").symlink_to(tmp_path / "outside")
    with pytest.raises(HarnessError, match="is outside of PATH: nothing was written"):
        init(root)
    assert not [*(tmp_path / "outside").iterdir()]


def test_a_package_that_takes_too_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_: object) -> None:
        while time.process_time() < end:
            pass

    root, end = copied(CHARTS["notes"], tmp_path), time.process_time() + 30
    monkeypatch.setattr("conformance.linter.draft.init.draft_for", endless)
    with pytest.raises(HarnessError, match="longer than 2 s: nothing was written"):
        init(root, Limits(seconds=2))
    assert not (root / "conformance.yaml").exists()


def test_only_a_folder_with_an_app_can_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "chart.tgz").write_bytes(b"")
    with pytest.raises(HarnessError, match="is not a folder"):
        init(tmp_path / "chart.tgz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(HarnessError, match="has no app"):
        init(tmp_path / "empty")
