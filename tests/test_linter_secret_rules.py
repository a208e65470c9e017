"""Rules about secrets: in charts, in values, and by what they are called."""

from __future__ import annotations

from pathlib import Path

import pytest
from linter_data_packages import app, found, ids, manifest, rules_about_data, said

from conformance.linter.facts.credentials import is_credential, kind_of
from conformance.linter.facts.well_known import NAMES_OF_APPS
from conformance.linter.lint import lint

pytestmark = pytest.mark.usefixtures("one_renderer")


CHART = {
    "Chart.yaml": "apiVersion: v2\nname: notes\nversion: 1.0.0\n",
    "values.yaml": "password: ''\n",
    "templates/secret.yaml": """apiVersion: v1
kind: Secret
metadata: {name: notes}
data:
  password: {{ .Values.password | b64enc | quote }}
""",
}


def chart(folder: Path, **changes: str) -> list[tuple[str, str, int]]:
    for path, text in {**CHART, **{k.replace("__", "/"): v for k, v in changes.items()}}.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return found(lint(folder, rules=rules_about_data()).apps[0])


class TestChart:
    @pytest.mark.parametrize(
        "line",
        [
            "password: {{ randAlphaNum 32 | b64enc }}",
            "password: {{ .Values.password | default (randAlphaNum 32) | b64enc }}",
            'tls.key: {{ genPrivateKey "rsa" | b64enc }}',
            "token: {{ uuidv4 | b64enc }}",
            'auth: {{ randAlphaNum 8 | htpasswd "admin" | b64enc }}',
            "auth: {{ bcrypt (randAlphaNum 8) | b64enc }}",
        ],
    )
    def test_what_changes_with_each_upgrade_is_found(self, tmp_path, line):
        secret = CHART["templates/secret.yaml"].rsplit("  ", 1)[0] + f"  {line}\n"

        assert chart(tmp_path, **{"templates__secret.yaml": secret}) == [
            ("secrets.unstable-template", "templates/secret.yaml", 5)
        ]

    @pytest.mark.parametrize(
        "line",
        [
            'auth: {{ htpasswd "admin" (.Values.password | quote) | b64enc }}',
            "auth: {{ .Values.password | bcrypt | b64enc }}",
        ],
    )
    def test_another_salt_makes_no_other_password(self, tmp_path, line):
        secret = CHART["templates/secret.yaml"].replace(
            "metadata: {name: notes}",
            "metadata: {name: notes, annotations: {of: {{ randAlphaNum 5 | quote }}}}",
        )

        assert chart(tmp_path, **{"templates__secret.yaml": f"{secret}  {line}\n"}) == []

    @pytest.mark.parametrize(
        "head",
        [
            '{{- $old := lookup "v1" "Secret" .Release.Namespace "notes" }}',
            '{{- $old := include "kept" . | fromJson }}',
        ],
    )
    def test_what_is_kept_is_right(self, tmp_path, head):
        secret = f"{head}\n" + CHART["templates/secret.yaml"].replace(
            "{{ .Values.password |",
            "{{ if $old }}{{ $old.data.password }}{{ else }}{{ randAlphaNum 32 | b64enc }}{{ end }}"
            "\n  other: {{ 1 | toString |",
        )
        kept = (
            '{{ define "kept" }}{{ lookup "v1" "Secret" .Release.Namespace "x" | toJson }}{{ end }}'
        )

        assert (
            chart(tmp_path, **{"templates__secret.yaml": secret, "templates___kept.tpl": kept})
            == []
        )

    @pytest.mark.parametrize(
        ("head", "metadata"),
        [
            ("{{- if .Release.IsInstall }}", "{name: x}"),
            ("{{- if true }}", "{name: x, annotations: {helm.sh/hook: pre-install}}"),
        ],
    )
    def test_what_only_an_installation_makes_is_right(self, tmp_path, head, metadata):
        secret = (
            f"{head}\napiVersion: v1\nkind: Secret\nmetadata: {metadata}\n"
            "data:\n  password: {{ randAlphaNum 32 | b64enc }}\n{{- end }}\n"
        )

        assert chart(tmp_path, **{"templates__secret.yaml": secret}) == []

    def test_a_lookup_whose_result_is_not_used_keeps_nothing(self, tmp_path):
        secret = (
            '{{- $old := lookup "v1" "Secret" .Release.Namespace "x" }}\n'
            "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n"
            "data:\n  password: {{ randAlphaNum 32 | b64enc }}\n"
        )

        assert chart(tmp_path, **{"templates__secret.yaml": secret}) == [
            ("secrets.unstable-template", "templates/secret.yaml", 6)
        ]

    def test_a_chart_that_needs_more_of_what_it_looks_up_is_not_judged(self, tmp_path):
        secret = (
            '{{- $old := lookup "v1" "Secret" .Release.Namespace "other" }}\n'
            "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n"
            "data:\n  password: {{ randAlphaNum 32 | b64enc }}\n"
            "  copied: {{ if $old }}{{ $old.data.gone.deeper }}{{ else }}bm9uZQ=={{ end }}\n"
        )
        folder = tmp_path / "notes"
        folder.mkdir()
        for path, text in {**CHART, "templates/secret.yaml": secret}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)

        app = lint(folder, rules=rules_about_data()).apps[0]

        assert [rule.id for rule, _ in app.not_run] == ["secrets.unstable-template"]

        assert chart(tmp_path, **{"templates__secret.yaml": secret}) == []

    def test_chance_that_only_restarts_pods_is_no_secret(self, tmp_path):
        config = (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
            "data:\n  rollme: {{ randAlphaNum 5 | quote }}\n"
        )

        assert chart(tmp_path, **{"templates__config.yaml": config}) == []

    def test_passwords_in_templates_and_defaults_are_found(self, tmp_path):
        workload = (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n    - name: x\n"
            "      env:\n        - name: DB_PASSWORD\n          value: hunter2\n"
            "        - name: RESET\n          value: {{ .Values.password | quote }}\n"
        )

        assert chart(
            tmp_path,
            **{
                "templates__pod.yaml": workload,
                "values.yaml": "password: ''\npostgresql: {auth: {password: changeme}}\n",
            },
        ) == [
            ("secrets.in-chart", "templates/pod.yaml", 9),
            ("secrets.default-password", "values.yaml", 2),
        ]

    def test_values_for_tests_of_the_chart_may_have_passwords(self, tmp_path):
        assert chart(tmp_path, **{"ci__test-values.yaml": "password: changeme\n"}) == []


class TestSecrets:
    @pytest.mark.parametrize(
        "text",
        [
            "{kind: Secret, metadata: {name: a}, stringData: {username: notes, host: db}}",
            "{kind: Secret, metadata: {name: a}, data: {username: bm90ZXM=}}",
            "{kind: Secret, metadata: {name: a}, sops: {age: []}, data: {password: 'ENC[x]'}}",
            "{kind: Secret, metadata: {name: a}, data: {password: '', token: null}}",
            "{kind: Secret, metadata: {name: a}, data: {password: not-base64!}}",
            "{kind: StringSecret, metadata: {name: a}, spec: {fields: [{fieldName: p}]}}",
            "{kind: StringSecret, metadata: {name: a}, spec: {data: {user: b}, fields: []}}",
            "{kind: StringSecret, metadata: {}, spec: {fields: [{fieldName: p, length: 24B}]}}",
            "{kind: BasicAuth, metadata: {name: a}, spec: {username: guest}}",
        ],
    )
    def test_right_ones(self, text):
        assert said(app(manifest(text))) == []

    @pytest.mark.parametrize(
        ("text", "rule"),
        [
            ("{kind: Secret, stringData: {auth: 'u:$apr1$abc$def'}}", "secrets.committed"),
            ("{kind: Secret, data: {.dockerconfigjson: eyJhdXRocyI6e319}}", "secrets.committed"),
            (
                "{kind: Secret, data: {app.ini: cGFzc3dvcmQgPSBodW50ZXIyCm49MQ==}}",
                "secrets.committed",
            ),
            ("{kind: BasicAuth, spec: {data: {password: hunter2}}}", "secrets.committed"),
            ("{kind: StringSecret, data: {password: x}}", "secrets.generator"),
            ("{kind: StringSecret, spec: {fields: []}}", "secrets.generator"),
            ("{kind: StringSecret, spec: {fields: [{fieldName: ''}]}}", "secrets.generator"),
            (
                "{kind: StringSecret, spec: {fields: [{fieldName: p, length: '0'}]}}",
                "secrets.generator",
            ),
            ("{kind: BasicAuth, spec: {length: '6'}}", "secrets.length"),
            (
                "{kind: Secret, metadata: {annotations:"
                " {secret-generator.v1.mittwald.de/regenerate: 'true'}}}",
                "secrets.regenerated",
            ),
        ],
    )
    def test_wrong_ones(self, text, rule):
        assert ids(app(manifest(text))) == [rule]


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("postgresPassword", "password"),
        ("PASSWD", "password"),
        ("SMTP_PASS", "password"),
        ("JWTSecret", "token"),
        ("SECRET_KEY_BASE", "key"),
        ("appKey", "key"),
        ("existingSecret", ""),
        ("passwordKey", ""),
        ("compass", ""),
        ("monkey", ""),
        ("accessKey", ""),
        ("", ""),
    ],
)
def test_keys_of_credentials(key, kind):
    assert kind_of(key) == kind


@pytest.mark.parametrize(
    "value", ["notes-oidc-v2", "hydra-secrets", "client_secret", "tls-cert-2024", "admin-password"]
)
def test_a_name_is_no_token(value):
    assert not is_credential("secret", value)


def test_names_of_apps_are_words_that_comments_do_not_have():
    assert not NAMES_OF_APPS & {"mail", "files", "notes", "board", "wiki", "pad", "chat", "status"}
