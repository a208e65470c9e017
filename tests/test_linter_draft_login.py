"""The login of a drafted Flux package: where the provider sends people, and tells of logouts."""

from __future__ import annotations

from pathlib import Path

import yaml
from drafts import INGRESS, values_in, write_chart

from conformance.linter.draft.flux_package import draft_for
from conformance.linter.lint import lint


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
