"""Rules about backups and passwords, where the chart is not in the package."""

from __future__ import annotations

import textwrap

import pytest
from linter_data_packages import (
    KUSTOMIZATION,
    SECRETS,
    SET,
    VALUES,
    VOLUMES,
    found,
    package,
    rules_about_data,
)

from conformance.linter.lint import lint

pytestmark = pytest.mark.usefixtures("one_renderer")


class TestRemoteChart:
    def test_a_package_with_nothing_wrong_has_no_findings(self, tmp_path):
        assert found(package(tmp_path)) == []

    def test_labels_and_annotations_anywhere_outside_of_subcharts_count(self, tmp_path):
        values = f"""
{VALUES}
persistence: {{claimName: notes-data}}
app:
  deployment: {{labels: {{{SET}: notes}}}}
  pods: {{annotations: {{{VOLUMES}: data}}}}
redis: {{enabled: false, persistence: {{existingClaim: notes-redis}}}}
"""
        assert found(package(tmp_path, values)) == []

    def test_a_subchart_gets_only_what_is_under_its_key_or_global(self, tmp_path):
        values = f"""
{VALUES}
podAnnotations: {{{VOLUMES}: data}}
global: {{labels: {{{SET}: notes}}}}
mariadb: {{primary: {{persistence: {{existingClaim: notes-db}}}}}}
"""
        assert [one[0] for one in found(package(tmp_path, values))] == ["backup.volume-listed"]

    def test_labels_of_the_claim_are_not_those_of_the_pods(self, tmp_path):
        values = f"""
{VALUES}
podAnnotations: {{{VOLUMES}: data}}
persistence: {{existingClaim: notes-data, labels: {{{SET}: notes}}}}
"""
        assert [one[0] for one in found(package(tmp_path, values))] == ["backup.pod-label"]

    def test_a_chart_in_a_repository_of_ones_own_may_bring_the_labels(self, tmp_path):
        values = f"{VALUES}\npersistence: {{existingClaim: notes-data}}"

        assert found(package(tmp_path, values, kind="GitRepository")) == []

    def test_a_file_inside_of_the_values_is_read(self, tmp_path):
        values = """
ingress: {host: "notes.${domain}"}
config:
  app.yml: |-
    auth:
      providers:
        - name: Stackspin
          authurl: "https://${hydra_domain}"
          clientid: "${client_id}"
          clientsecret: wrong
    mailer:
      # password: nobody-sees-this
      password: "${outgoing_mail_smtp_password}"
    database:
      password: hunter2
"""
        assert found(package(tmp_path, values)) == [
            ("oidc.client-values", "notes/values.yaml", 14),
            ("secrets.literal-value", "notes/values.yaml", 19),
        ]

    @pytest.mark.parametrize(
        "setting",
        [
            "existingSecret: notes-passwords\npassword: not-used-then",
            "auth: {existingSecret: x, secretKeys: {adminPasswordKey: p, password: key-name}}",
            "passwordKey: mariadb-password",
            "passwordFile: /run/secrets/password",
            "secretName: notes-tls",
            "secret: notes-door",
            "env: [{name: DB_PASSWORD, value: $(FROM_ELSEWHERE)}]",
            "url: postgres://notes:$(DB_PASSWORD)@db/notes",
            "url: https://notes.example.org/password/token",
            "password: ''",
            "passwordReset: 'false'",
            "token: true",
            "minPasswordLength: 12",
            "labels: {password: Your password}",
            "password: '{{ .Values.global.password }}'",
            "password: >-\n  ${password}",
            'mailUrl: "smtp://u:${outgoing_mail_smtp_password}@h"',
            "texts: |\n  function f(password) { return password; }\n  password = input('password')",
        ],
    )
    def test_what_only_speaks_of_a_password_is_none(self, tmp_path, setting):
        assert found(package(tmp_path, f"{VALUES}\nmore:\n{textwrap.indent(setting, '  ')}")) == []

    @pytest.mark.parametrize(
        "setting",
        [
            "password: gitea",
            "adminPassword: 12345",
            'password: gitea # "${password}"',
            "env: [{name: DB_PASSWORD, value: hunter2}]",
            "jwtSecret: changeme",
            "apiKey: 0b8f6f3e5c1d4a7e",
            "url: postgres://notes:hunter2@db/notes",
            "key: |\n  -----BEGIN RSA PRIVATE KEY-----\n  MIIE\n  -----END RSA PRIVATE KEY-----",
            "ini: |\n  [db]\n  password = hunter2",
            'json: {"db": {"password": "hunter2"}}',
        ],
    )
    def test_a_password_that_is_written_is_found_and_not_shown(self, tmp_path, setting):
        result = package(tmp_path, f"{VALUES}\nmore:\n{textwrap.indent(setting, '  ')}")

        assert [one[0] for one in found(result)] == ["secrets.literal-value"]
        for secret in ("gitea", "12345", "hunter2", "changeme", "0b8f6f3e", "MIIE"):
            assert secret not in result.findings[0].message

    def test_one_password_in_the_database_and_its_client_is_right(self, tmp_path):
        values = f"""
{VALUES}
database: {{password: "${{password}}"}}
postgresql: {{global: {{postgresql: {{auth: {{password: "${{password}}"}}}}}}}}
"""
        assert found(package(tmp_path, values)) == []

    @pytest.mark.parametrize(
        "other",
        ['admin: {password: "${password}"}', 'jwtSecret: "${password}"', 'salt: "${password}"'],
    )
    def test_one_password_for_two_purposes_is_found(self, tmp_path, other):
        values = f'{VALUES}\ndatabase: {{password: "${{password}}"}}\n{other}'

        assert [one[0] for one in found(package(tmp_path, values))] == ["secrets.reused"]

    def test_the_secret_of_another_app_is_found(self, tmp_path):
        kustomization = KUSTOMIZATION.replace(
            "stackspin-notes-oauth-variables", "stackspin-wiki-oauth-variables"
        )
        other = SECRETS[SECRETS.rindex("---") :].replace("notes", "wiki")
        result = package(tmp_path, wiki__secrets=other)
        assert found(result) == []

        (tmp_path / "notes.yaml").write_text(kustomization)
        result = next(
            one for one in lint(tmp_path, rules=rules_about_data()).apps if one.app.name == "notes"
        )
        assert [one[0] for one in found(result)] == ["oidc.client-values"]
        assert "Secret stackspin-wiki-oauth-variables" in result.findings[0].message
