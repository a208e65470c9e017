"""Rules about backups, logins and secrets, on packages made here: branches, and false alarms."""

from __future__ import annotations

import copy
import textwrap
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.linter.app import AppPackage, Installation
from conformance.linter.facts.credentials import is_credential, kind_of
from conformance.linter.facts.well_known import NAMES_OF_APPS
from conformance.linter.findings import NotRun, Problem
from conformance.linter.helm.rendering import Renderer
from conformance.linter.limits import Limits
from conformance.linter.lint import lint
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import Document
from conformance.linter.result import AppResult
from conformance.linter.rule import Rule, all_rules

FAMILIES = ("backup", "oidc", "secrets")
SET, VOLUMES = "stackspin.net/backupSet", "backup.velero.io/backup-volumes"


def _rules() -> list[Rule]:
    return [one for id, one in all_rules().items() if id.partition(".")[0] in FAMILIES]


@pytest.fixture(scope="module", autouse=True)
def renderer():
    with Renderer(Limits(seconds=3600)) as shared, pytest.MonkeyPatch.context() as patch:
        patch.setattr("conformance.linter.lint.Renderer", lambda _: nullcontext(shared))
        yield


def manifest(text: str) -> Manifest:
    value = yaml.safe_load(textwrap.dedent(text))
    return Manifest(value, "objects.yaml", lambda _: 1, document=Document("objects.yaml", value))


def app(*written: Manifest, **more: Any) -> AppPackage:
    installations = (Installation("the package's objects", written),)
    return AppPackage(
        **{"name": "notes", "path": ".", "detected": "", "installations": installations}
        | {"written": written}
        | more
    )


def said(package: AppPackage) -> list[str]:
    """Return what the rules say, without the place."""
    return [
        f"{rule.id}: {one.message}"
        for rule in _rules()
        for one in rule.check(package)
        if isinstance(one, Problem)
    ]


def ids(package: AppPackage) -> list[str]:
    return [line.partition(":")[0] for line in said(package)]


def _deployment(name: str = "notes", **changes: Any) -> Manifest:
    """Return a Deployment whose volume ``data`` is the claim ``notes-data``."""
    template = {
        "metadata": {"labels": {SET: "notes"}, "annotations": {VOLUMES: "data"}},
        "spec": {
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "notes-data"}}]
        },
    }
    for path, value in changes.items():
        part: Any = template
        *keys, last = path.split("__")
        for key in keys:
            part = part[key]
        part[last] = value
    value = {"kind": "Deployment", "metadata": {"name": name}, "spec": {"template": template}}
    return Manifest(value, "deployment.yaml", lambda _: 1)


CLAIM = manifest(f"""
    kind: PersistentVolumeClaim
    metadata: {{name: notes-data, labels: {{{SET}: notes}}}}
    """)
BARE_CLAIM = manifest("kind: PersistentVolumeClaim\nmetadata: {name: notes-data}")


class TestBackup:
    def test_a_claim_that_one_of_its_pods_lists_is_backed_up(self):
        worker = _deployment("worker", metadata__annotations={}, metadata__labels={})

        assert said(app(CLAIM, _deployment(), worker)) == []
        assert "backup.volume-listed" in ids(app(CLAIM, worker))

    def test_a_cache_may_be_left_out_and_needs_no_labels(self):
        excluded = {"backup.velero.io/backup-volumes-excludes": "data"}
        pod = _deployment(metadata__annotations=excluded, metadata__labels={})

        assert said(app(BARE_CLAIM, pod)) == []

    @pytest.mark.parametrize("kind", ["Job", "CronJob"])
    def test_pods_that_end_are_not_backed_up(self, kind):
        pod = _deployment(metadata__annotations={}, metadata__labels={})
        template = pod.value["spec"]
        spec = {"jobTemplate": {"spec": template}} if kind == "CronJob" else template
        value = {"kind": kind, "metadata": {"name": "notes"}, "spec": spec}

        assert said(app(CLAIM, Manifest(value, "job.yaml", lambda _: 1))) == []

    def test_a_test_of_helm_is_not_backed_up(self):
        pod = _deployment(metadata__annotations={}, metadata__labels={})
        pod.value["metadata"]["annotations"] = {"helm.sh/hook": "test"}  # type: ignore[index]

        assert said(app(CLAIM, pod)) == []

    def test_two_stateful_sets_with_templates_of_one_name_are_told_apart(self):
        def stateful(name: str, annotations: Mapping[str, str]) -> Manifest:
            value = {
                "kind": "StatefulSet",
                "metadata": {"name": name},
                "spec": {
                    "template": {"metadata": {"labels": {SET: "n"}, "annotations": annotations}},
                    "volumeClaimTemplates": [{"metadata": {"name": "data", "labels": {SET: "n"}}}],
                },
            }
            return Manifest(value, "stateful.yaml", lambda _: 1)

        [line] = said(app(stateful("one", {VOLUMES: "data"}), stateful("two", {}), name="n"))

        assert line.startswith('backup.volume-listed: volume "data" (claim data-two-*)')

    def test_the_name_that_is_meant_is_found(self):
        for wrong in ("notes-data", "dta", "data;tmp"):
            [line] = said(app(CLAIM, _deployment(metadata__annotations={VOLUMES: wrong})))
            assert line.startswith("backup.unknown-volume:"), wrong
            assert 'did you mean "data"' in line

    def test_an_annotation_of_another_type_is_the_schemas_business(self):
        pod = _deployment(metadata__annotations={VOLUMES: ["data"]})

        assert said(app(CLAIM, pod)) == []

    def test_a_volume_that_a_hook_dumps_into_may_be_listed(self):
        volumes = [{"name": "dump", "emptyDir": {}}]
        listed = {VOLUMES: "dump"}
        hook = {**listed, "pre.hook.backup.velero.io/command": '["pg_dump"]'}

        assert said(app(_deployment(spec__volumes=volumes, metadata__annotations=hook))) == []
        assert ids(app(_deployment(spec__volumes=volumes, metadata__annotations=listed))) == [
            "backup.nothing-lasting"
        ]

    def test_a_volume_of_the_node_is_left_out_of_the_backup(self):
        volumes = [{"name": "data", "hostPath": {"path": "/srv"}}]

        assert ids(app(_deployment(spec__volumes=volumes))) == ["backup.host-path"]

    def test_the_name_of_the_set_need_not_be_the_apps(self):
        claim = copy.deepcopy(CLAIM.value)
        claim["metadata"]["labels"][SET] = "pad"
        pod = _deployment(metadata__labels={SET: "pad"})

        assert said(app(Manifest(claim, "claim.yaml", lambda _: 1), pod)) == []

    def test_the_set_of_an_app_elsewhere_in_the_tree_is_not_ours(self):
        claim = copy.deepcopy(CLAIM.value)
        claim["metadata"]["labels"][SET] = "pad"
        pod = _deployment(metadata__labels={SET: "pad"})
        other = manifest("kind: HelmRelease\nmetadata: {name: pad}")
        package = app(Manifest(claim, "claim.yaml", lambda _: 1), pod, neighbours=(other,))

        assert ids(package) == ["backup.set-name"] * 2

    def test_what_is_not_known_is_said(self):
        package = app(installations=(Installation("x", (), ("chart x is elsewhere",)),), written=())
        reasons = {
            rule.id: one.reason
            for rule in _rules()
            for one in rule.check(package)
            if isinstance(one, NotRun)
        }

        assert {id for id in reasons if id.startswith("backup.")} == {
            rule.id for rule in _rules() if rule.id.startswith("backup.")
        }
        assert all(reason.startswith("chart x is elsewhere: ") for reason in reasons.values())


KUSTOMIZATION = """
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: notes, namespace: flux-system}
spec:
  path: ./notes
  prune: true
  interval: 1h
  sourceRef: {kind: GitRepository, name: stackspin}
  postBuild:
    substituteFrom:
      - {kind: Secret, name: stackspin-cluster-variables}
      - {kind: ConfigMap, name: stackspin-single-sign-on-kustomization-variables}
      - {kind: Secret, name: stackspin-notes-variables}
      - {kind: Secret, name: stackspin-notes-oauth-variables}
"""
SECRETS = """
apiVersion: secretgenerator.mittwald.de/v1alpha1
kind: StringSecret
metadata: {name: stackspin-notes-variables, namespace: flux-system}
spec:
  fields:
    - {fieldName: password, length: "32"}
---
apiVersion: secretgenerator.mittwald.de/v1alpha1
kind: StringSecret
metadata: {name: stackspin-notes-oauth-variables, namespace: flux-system}
spec:
  data: {client_id: notes}
  fields:
    - {fieldName: client_secret, length: "32"}
"""
CLIENT = """
apiVersion: hydra.ory.sh/v1alpha1
kind: OAuth2Client
metadata: {name: notes, namespace: flux-system}
spec:
  grantTypes: [authorization_code]
  responseTypes: [code]
  scope: openid stackspin_roles
  secretName: stackspin-notes-oauth-variables
  redirectUris: ["https://notes.${domain}/callback"]
"""
VALUES = """
ingress: {enabled: true, hosts: [{host: "notes.${domain}"}]}
oidc:
  clientId: "${client_id}"
  clientSecret: "${client_secret}"
"""


def package(
    folder: Path,
    values: str = VALUES,
    client: str = CLIENT,
    kind: str = "HelmRepository",
    **more: str,
) -> AppResult:
    """Judge a Flux package of a chart that is elsewhere."""
    release = {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": "notes", "namespace": "notes"},
        "spec": {
            "interval": "5m",
            "chart": {"spec": {"chart": "notes", "sourceRef": {"kind": kind, "name": "x"}}},
            "valuesFrom": [{"kind": "ConfigMap", "name": "stackspin-notes-values"}],
        },
    }
    block = textwrap.indent(values.strip("\n"), "    ")
    config = (
        "apiVersion: v1\nkind: ConfigMap\n"
        "metadata: {name: stackspin-notes-values, namespace: notes}\n"
        f"data:\n  values.yaml: |\n{block}\n"
    )
    files = {
        "notes.yaml": KUSTOMIZATION,
        "notes/release.yaml": yaml.safe_dump(release),
        "notes/values.yaml": config,
        "notes/client.yaml": client,
        "notes/secrets.yaml": SECRETS,
        **{path.replace("__", "/") + ".yaml": text for path, text in more.items()},
    }
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return lint(folder, rules=_rules()).apps[0]


def found(result: AppResult) -> list[tuple[str, str, int]]:
    return [(one.rule.id, one.place.file, one.place.line) for one in result.findings]


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
        result = next(one for one in lint(tmp_path, rules=_rules()).apps if one.app.name == "notes")
        assert [one[0] for one in found(result)] == ["oidc.client-values"]
        assert "Secret stackspin-wiki-oauth-variables" in result.findings[0].message


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

        assert found(result) == found(lint(tmp_path, rules=_rules()).apps[0]) == []

    def test_the_same_client_in_two_clusters_is_one(self, tmp_path):
        package(tmp_path / "one")
        package(tmp_path / "two")
        for folder in ("one", "two"):
            file = tmp_path / folder / "notes.yaml"
            file.write_text(file.read_text().replace("./notes", f"./{folder}/notes"))

        results = lint(tmp_path, rules=_rules()).apps

        assert [found(one) for one in results] == [[], []]


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
    return found(lint(folder, rules=_rules()).apps[0])


class TestChart:
    @pytest.mark.parametrize(
        "line",
        [
            "password: {{ randAlphaNum 32 | b64enc }}",
            "password: {{ .Values.password | default (randAlphaNum 32) | b64enc }}",
            'tls.key: {{ genPrivateKey "rsa" | b64enc }}',
            "token: {{ uuidv4 | b64enc }}",
        ],
    )
    def test_what_changes_with_each_upgrade_is_found(self, tmp_path, line):
        secret = CHART["templates/secret.yaml"].rsplit("  ", 1)[0] + f"  {line}\n"

        assert chart(tmp_path, **{"templates__secret.yaml": secret}) == [
            ("secrets.unstable-template", "templates/secret.yaml", 5)
        ]

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

        app = lint(folder, rules=_rules()).apps[0]

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


HOSTILE = [
    None,
    -1,
    "",
    "\x00\x1b<script>" + "x" * 10_000,
    [None, []],
    {"name": None, "": {"": ""}},
    [{"name": ["x"], "value": {}}],
]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else []
    items = list(enumerate(value)) if isinstance(value, list) else items
    return [path, *(one for key, item in items for one in _paths(item, (*path, key)))]


def test_nothing_that_stands_anywhere_makes_a_rule_raise():
    texts = [*CLIENT.split("---"), *SECRETS.split("---"), KUSTOMIZATION]
    values = [yaml.safe_load(text) for text in texts]
    values += [
        copy.deepcopy(_deployment().value),
        copy.deepcopy(CLAIM.value),
        {"kind": "Secret", "data": {"password": "eA=="}, "stringData": {"password": "x"}},
        {"kind": "ConfigMap", "data": {"a.yaml": "password: x\n- [\n"}},
        {"kind": "PersistentVolume", "spec": {"hostPath": {}}},
        {
            "kind": "StatefulSet",
            "spec": {"volumeClaimTemplates": [{"metadata": {"name": "d"}}], "template": {}},
        },
    ]
    for index, value in enumerate(values):
        for path in _paths(value):
            if not path:
                continue
            for bad in HOSTILE:
                broken = copy.deepcopy(value)
                part = broken
                for key in path[:-1]:
                    part = part[key]
                part[path[-1]] = bad
                others = [one for n, one in enumerate(values) if n != index]
                written = [
                    Manifest(one, "a.yaml", lambda _: 1, document=Document("a.yaml", one))
                    for one in (broken, *others)
                ]
                said(app(*written, neighbours=tuple(written)))


def test_values_of_any_shape_make_no_rule_fail(tmp_path):
    values = """
ingress: [1, {host: [x]}]
"": {"": {existingClaim: 7}}
existingClaim: [a]
persistence: {existingClaim: notes-data, enabled: {}}
postgresql: primary
mysql: {primary: [existingClaim]}
clientId: [x]
clientSecret: {a: b}
issuer: "https://[::1"
password: [[], {}]
env: [{name: 1, value: 2}, {name: {}, value: x}, {value: y}, []]
text: "\\0 = {"
file: |
  [
  password
  = x
  ]: - {
"""
    release = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: other, namespace: notes}
spec: {chart: [], valuesFrom: {}, values: [], postRenderers: 7, commonMetadata: []}
"""
    result = package(tmp_path, values, notes__other=release)

    assert not [reason for _, reason in result.not_run if "internal error" in reason]


@pytest.mark.parametrize(
    "values",
    [
        "\n".join(f"key{n}: {{password: '', existingClaim: c{n}}}" for n in range(10_000)),
        f"text: {'a' * 2_000_000}",
        f"text: {'a-_' * 500_000}",
        "file: |\n" + "  a.b-c = d(e\n" * 100_000,
        f"url: {'a:' * 500_000}",
    ],
    ids=["keys", "letters", "words", "lines", "colons"],
)
def test_large_values_cost_seconds_at_most(tmp_path, values):
    began = time.process_time()

    package(tmp_path, values)

    assert time.process_time() - began < 20
