"""What of a draft is left to a person, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from drafts import INGRESS, copied, only, read, values_in, write_chart
from linter_packages import GOOD

from conformance.common.errors import HarnessError
from conformance.linter.draft.description import scalar
from conformance.linter.draft.flux_package import flux_package_for
from conformance.linter.draft.init import init
from conformance.linter.lint import lint

pytestmark = pytest.mark.usefixtures("one_renderer")


def test_what_a_chart_refuses_is_left_to_a_person(tmp_path: Path) -> None:
    root = write_chart(
        tmp_path,
        'host: a.example\nadminPassword: ""\n',
        INGRESS.replace("HOST", ".Values.host"),
        **{"values.schema.json": '{"properties": {"adminPassword": {"maxLength": 8}}}'},
    )
    [app] = [one.app for one in lint(root, rules=()).apps]
    assert values_in(flux_package_for(app), "shop-front") == {"host": "${shop_front_domain}"}


def test_what_a_chart_needs_is_kept_when_it_refuses_something_else(
    tmp_path: Path,
) -> None:
    template = "{{ with .Values.oidc.issuer }}{{ fail . }}{{ end }}" + INGRESS.replace(
        "{{ HOST }}", "{{ required .Values.hostname .Values.adminPassword }}{{ .Values.hostname }}"
    )
    values = "hostname: a.b\nadminPassword: ''\noidc: {issuer: '', clientId: a, clientSecret: ''}\n"
    [app] = [one.app for one in lint(write_chart(tmp_path, values, template), rules=()).apps]
    files = flux_package_for(app)
    assert values_in(files, "shop-front") == {
        "hostname": "${shop_front_domain}",
        "adminPassword": "${admin_password}",
    }
    assert "flux2/apps/shop-front/oauth2-client.yaml" not in files


def test_a_chart_that_does_not_render_is_drafted_all_the_same(tmp_path: Path) -> None:
    root = write_chart(tmp_path, 'host: ""\n', '{{ fail "never" }}')
    [draft] = init(root)
    assert any("could not be rendered" in one for one in draft.todo)
    assert values_in(draft.files, "shop-front") == {"host": "${shop_front_domain}"}
    assert only(root).level == 1


def test_a_chart_without_a_value_for_its_host_is_reported(tmp_path: Path) -> None:
    [draft] = init(write_chart(tmp_path, "a: b\n", INGRESS.replace("{{ HOST }}", "fixed.example")))
    assert any("gives the app its host" in one for one in draft.todo)
    assert "host: the name under which people reach the app" in draft.todo


def test_a_secret_without_known_keys_is_reported(tmp_path: Path) -> None:
    pod = {"containers": [{"name": "a", "image": "a:1", "envFrom": [{"secretRef": {"name": "b"}}]}]}
    template = yaml.safe_dump(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": pod}
    )
    [draft] = init(write_chart(tmp_path, "", template))
    assert "pods need Secret b, and nothing says which keys it has: add it" in draft.todo


@pytest.mark.parametrize("name", ["../../etc/x", "a b", "Big", "a\nkind: Pod", "x" * 60])
def test_a_name_that_is_no_name_is_refused(name: str, tmp_path: Path) -> None:
    root = write_chart(tmp_path, "", INGRESS.replace("{{ HOST }}", "a.example"), name)
    with pytest.raises(HarnessError, match="name"):
        init(root)
    assert not (root / "flux2").exists()


def test_a_library_is_no_app(tmp_path: Path) -> None:
    root = write_chart(tmp_path, "", "")
    (root / "Chart.yaml").write_text("apiVersion: v2\nname: lib\nversion: 1.0.0\ntype: library\n")
    with pytest.raises(HarnessError, match="library"):
        init(root)


def test_what_a_package_says_cannot_leave_its_line(tmp_path: Path) -> None:
    image = 'a:1\n  "x": y'
    pod = {"containers": [{"name": 'c"\n', "image": image}]}
    template = yaml.safe_dump(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": pod}
    )
    root = write_chart(tmp_path, "", template)
    [draft] = init(root)
    assert read(root, draft).images == ()
    for path, text in draft.files.items():
        assert [*yaml.safe_load_all(text)], path


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("notes.${domain}", "notes.${domain}"),
        ("docker.io/a/b:1.0", "docker.io/a/b:1.0"),
        ("yes", '"yes"'),
        ("1.0", '"1.0"'),
        ("a: b", '"a: b"'),
        ("/", "/"),
        ("", '""'),
    ],
)
def test_a_text_is_quoted_where_it_has_to_be(value: str, written: str) -> None:
    assert scalar(value) == written
    assert yaml.safe_load(scalar(value)) == value


def test_only_a_chart_alone_gets_a_flux_package(tmp_path: Path) -> None:
    [app] = [one.app for one in lint(copied(GOOD / "flux-app", tmp_path), rules=()).apps]
    with pytest.raises(HarnessError, match="board is not a chart alone"):
        flux_package_for(app)
