"""Rules about the login client of an app: branches, and false alarms."""

from __future__ import annotations

import pytest
from linter_data_packages import CLIENT, SECRETS, found, package, rules_about_data

from conformance.linter.lint import lint

pytestmark = pytest.mark.usefixtures("one_renderer")


class TestClient:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("scope: openid stackspin_roles", "scopeArray: [openid, stackspin_roles]"),
            ('"https://notes.${domain}/callback"', '"https://Notes.${domain}/callback"'),
            ('"https://notes.${domain}/callback"', '"https://m.notes.${domain}/callback"'),
            ('"https://notes.${domain}/callback"', '"org.notes.app:/callback"'),
            ("  responseTypes: [code]\n", ""),
            ("  secretName:", "  frontChannelLogoutURI: ''\n  secretName:"),
            (
                "  secretName:",
                "  backChannelLogoutURI: http://notes.notes.svc:8080/logout\n  secretName:",
            ),
        ],
    )
    def test_other_ways_to_write_it_are_right(self, tmp_path, before, after):
        assert before in CLIENT

        assert found(package(tmp_path, client=CLIENT.replace(before, after))) == []

    def test_a_client_for_a_program_needs_no_addresses(self, tmp_path):
        robot = CLIENT.replace("name: notes,", "name: robot,")
        robot = robot.replace("[authorization_code]", "[client_credentials]")
        robot = robot.replace('  redirectUris: ["https://notes.${domain}/callback"]\n', "")
        robot = robot.replace("notes-oauth", "robot-oauth")

        assert not [
            one
            for one in found(package(tmp_path, notes__robot=robot))
            if "robot" in one[1] and one[0] != "oidc.unused-client"
        ]

    @pytest.mark.parametrize(
        ("uri", "rule"),
        [
            ("/callback", "oidc.redirect-uri"),
            ("https:///callback", "oidc.redirect-uri"),
            ("https://[::1/callback", "oidc.redirect-uri"),
            ("https://localhost/callback", "oidc.redirect-domain"),
            ("https://notes.stackspin.example.evil.org/", "oidc.redirect-domain"),
            ("https://evilnotes.stackspin.example/", "oidc.redirect-domain"),
        ],
    )
    def test_addresses_that_are_none(self, tmp_path, uri, rule):
        client = CLIENT.replace("https://notes.${domain}/callback", uri)

        assert [one[0] for one in found(package(tmp_path, client=client))] == [rule]

    def test_a_variable_that_nothing_defines_is_another_rules_business(self, tmp_path):
        client = CLIENT.replace("notes.${domain}", "${pad_domain}")

        assert found(package(tmp_path, client=client)) == []

    def test_hydra_maester_may_make_the_secret(self, tmp_path):
        oauth = SECRETS[: SECRETS.rindex("---")]
        result = package(tmp_path)
        (tmp_path / "notes/secrets.yaml").write_text(oauth)

        assert found(result) == found(lint(tmp_path, rules=rules_about_data()).apps[0]) == []

    def test_the_same_client_in_two_clusters_is_one(self, tmp_path):
        package(tmp_path / "one")
        package(tmp_path / "two")
        for folder in ("one", "two"):
            file = tmp_path / folder / "notes.yaml"
            file.write_text(file.read_text().replace("./notes", f"./{folder}/notes"))

        results = lint(tmp_path, rules=rules_about_data()).apps

        assert [found(one) for one in results] == [[], []]
