"""The login of a drafted Flux package: where the provider sends people, and tells of logouts."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from drafts import CHARTS, INGRESS, values_in, write_chart

from conformance.apps.package.chart_alone import drafted
from conformance.apps.package.given import read_apps
from conformance.common.settings import PROJECT_ROOT
from conformance.linter.draft.choices import Given
from conformance.linter.draft.flux_package import draft_for
from conformance.linter.draft.init import init
from conformance.linter.lint import lint

pytestmark = pytest.mark.usefixtures("one_renderer")

PACKAGES = PROJECT_ROOT / "fixtures" / "flux2" / "apps"
CLIENT = "flux2/apps/shop-front/oauth2-client.yaml"


def test_a_login_of_the_values_says_where_it_comes_back(tmp_path: Path) -> None:
    values = """\
host: a.example
auth:
  oidc:
    enabled: false
    issuerUrl: ""
    clientID: ""
    client_secret: ""
    redirectURL: https://a.example/users/auth/callback
"""
    root = write_chart(tmp_path, values, INGRESS.replace("HOST", ".Values.host"))
    [app] = [one.app for one in lint(root, rules=()).apps]
    draft = draft_for(app)
    assert values_in(draft.files, "shop-front")["auth"]["oidc"] == {
        "enabled": True,
        "issuerUrl": "https://${hydra_domain}/",
        "clientID": "${client_id}",
        "client_secret": "${client_secret}",
        "redirectURL": "https://${shop_front_domain}/users/auth/callback",
    }
    client = yaml.safe_load(draft.files["flux2/apps/shop-front/oauth2-client.yaml"])
    redirects = ["https://${shop_front_domain}/users/auth/callback"]
    assert client["spec"]["redirectUris"] == redirects
    assert not [one for one in draft.todo() if "redirect" in one]
    assert [one for one in draft.todo() if one.startswith("backChannelLogoutURI")]


SAYS_NOTHING = "host: a.example\noidc: {issuer: '', clientId: '', clientSecret: ''}\n"


def test_where_a_login_comes_back_and_logouts_are_told_can_be_said(tmp_path: Path) -> None:
    root = write_chart(tmp_path, SAYS_NOTHING, INGRESS.replace("HOST", ".Values.host"))
    [app] = [one.app for one in lint(root, rules=()).apps]
    said = Given(redirect="/auth/back", backchannel_logout="/auth/back?logout=backchannel")
    draft = draft_for(app, said)
    spec = yaml.safe_load(draft.files[CLIENT])["spec"]
    assert spec["redirectUris"] == ["https://${shop_front_domain}/auth/back"]
    told = "https://${shop_front_domain}/auth/back?logout=backchannel"
    assert spec["backChannelLogoutURI"] == told
    assert spec["backChannelLogoutSessionRequired"] is True
    assert not [*draft.todo()]


def test_what_the_values_say_of_a_login_is_in_the_draft_of_the_description(tmp_path: Path) -> None:
    values = SAYS_NOTHING.replace(
        "{issuer",
        "{redirectUri: 'https://a.example/back', "
        "backChannelLogoutUri: 'https://a.example/back?logout=1', issuer",
    )
    root = write_chart(tmp_path, values, INGRESS.replace("HOST", ".Values.host"))
    [draft] = init(root)
    spec = yaml.safe_load(draft.files[CLIENT])["spec"]
    assert spec["redirectUris"] == ["https://${shop_front_domain}/back"]
    assert spec["backChannelLogoutURI"] == "https://${shop_front_domain}/back?logout=1"
    assert [one for one in draft.todo if "login" in one or "OAuth" in one] == [
        "login: where it begins, how the app shows who is logged in, how one logs out"
    ]
    text = draft.files["conformance.yaml"]
    assert "#   redirect_uri: /back\n" in text
    assert '#   backchannel_logout_uri: "/back?logout=1"\n' in text


@pytest.mark.parametrize("name", ["notes", "wordpress"])
def test_a_described_chart_is_run_with_its_own_addresses(name: str) -> None:
    [given] = read_apps(CHARTS[name])
    packaged = yaml.safe_load((PACKAGES / name / "oauth2-client.yaml").read_text())["spec"]
    made = yaml.safe_load(drafted(given)[f"flux2/apps/{name}/oauth2-client.yaml"])["spec"]
    for key in ("redirectUris", "backChannelLogoutURI", "backChannelLogoutSessionRequired"):
        assert made[key] == packaged[key]
