"""``app --init``: what is drafted is right by the linter's own rules, and says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from drafts import CHARTS, INGRESS, copied, only, read, values_in, write_chart

from conformance.apps.package.description import description_of
from conformance.linter.app import AppPackage
from conformance.linter.draft.choices import Given
from conformance.linter.draft.flux_package import chart_path, flux_package_for
from conformance.linter.draft.init import init
from conformance.linter.lint import lint

pytestmark = pytest.mark.usefixtures("one_renderer")

CREATED_VALUES = """\
image: {repository: docker.io/library/nginx, tag: ""}
podAnnotations: {}
podLabels: {}
auth: {adminPassword: ""}
smtp: {password: ""}
ingress:
  enabled: false
  className: ""
  annotations: {}
  hosts:
    - host: chart-example.local
      paths: [{path: /, pathType: Prefix}]
  tls: []
persistence: {enabled: false, existingClaim: "", size: 2Gi}
"""
CREATED_TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {app: shop}}
  template:
    metadata:
      annotations: {{- toYaml .Values.podAnnotations | nindent 8 }}
      labels: {{- merge (dict "app" "shop") .Values.podLabels | toYaml | nindent 8 }}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 101, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: shop
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default "1.29.1" }}"
          env: [{name: PASSWORD, value: {{ .Values.auth.adminPassword | quote }}}]
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
          resources: {limits: {memory: 64Mi}}
          ports: [{name: http, containerPort: 8080}]
          livenessProbe: {httpGet: {path: /live, port: http}}
          readinessProbe: {httpGet: {path: /ready, port: 8080}}
          volumeMounts: [{name: data, mountPath: /data}]
      volumes:
        - name: data
          {{- if .Values.persistence.enabled }}
          persistentVolumeClaim: {claimName: {{ .Values.persistence.existingClaim }}}
          {{- else }}
          emptyDir: {}
          {{- end }}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {app: shop}
  ports: [{name: http, port: 80, targetPort: http}]
{{- if .Values.ingress.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ .Release.Name }}
  annotations: {{- toYaml .Values.ingress.annotations | nindent 4 }}
spec:
  ingressClassName: {{ .Values.ingress.className }}
  tls: {{- toYaml .Values.ingress.tls | nindent 4 }}
  rules:
    {{- range .Values.ingress.hosts }}
    - host: {{ .host }}
      http:
        paths:
          {{- range .paths }}
          - path: {{ .path }}
            pathType: {{ .pathType }}
            backend: {service: {name: {{ $.Release.Name }}, port: {name: http}}}
          {{- end }}
    {{- end }}
{{- end }}
"""
"""As ``helm create`` makes a chart: no Ingress and no claim, unless somebody asks for them."""


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_alone_becomes_a_flux_package(name: str, tmp_path: Path) -> None:
    root = copied(CHARTS[name], tmp_path)
    [draft] = init(root)
    result = only(root)
    assert result.name == name
    assert [release.name for release in result.app.releases] == [name]
    assert (result.level, [one.message for one in result.findings]) == (3, [])
    found = description_of(root, result.app)
    assert found is not None
    assert found == (root / "conformance.yaml", read(root, draft))
    assert (found[1].app, found[1].host) == (name, f"{name}.${{domain}}")


def test_the_values_of_a_chart_are_found(tmp_path: Path) -> None:
    root = copied(CHARTS["wordpress"], tmp_path)
    [app] = [one.app for one in lint(root, rules=()).apps]
    files = flux_package_for(app)
    assert values_in(files, "wordpress") == {
        "hostname": "${wordpress_domain}",
        "persistence": {
            "database": {"existingClaim": "wordpress-database"},
            "content": {"existingClaim": "wordpress-content"},
        },
        "oidc": {
            "issuer": "https://${hydra_domain}/",
            "clientId": "${client_id}",
            "clientSecret": "${client_secret}",
            "caConfigMap": "stackspin-ca",
        },
        "admin": {"password": "${admin_password}"},
    }
    assert sorted(files) == [
        "flux2/apps/add-wordpress/wordpress-secrets.yaml",
        "flux2/apps/add-wordpress/wordpress.yaml",
        "flux2/apps/wordpress-secrets/wordpress-kustomization-variables.yaml",
        "flux2/apps/wordpress-secrets/wordpress-oauth-variables.yaml",
        "flux2/apps/wordpress-secrets/wordpress-variables.yaml",
        "flux2/apps/wordpress.yaml",
        "flux2/apps/wordpress/oauth2-client.yaml",
        "flux2/apps/wordpress/pvc.yaml",
        "flux2/apps/wordpress/release.yaml",
        "flux2/apps/wordpress/values-configmap.yaml",
    ]
    # What looks like a number once it is filled in stays a text.
    text = files["flux2/apps/wordpress/values-configmap.yaml"]
    assert 'password: "${admin_password}"' in text


def test_what_somebody_has_said_already_wins(tmp_path: Path) -> None:
    [app] = [one.app for one in lint(copied(CHARTS["wiki"], tmp_path), rules=()).apps]
    given = Given(
        host="www.${domain}",
        values={"ingress": {"host": "${host}"}, "persistence": {"size": "$${x} ${host}"}},
        secrets=["wiki-database"],
    )
    files = flux_package_for(app, given)
    values = values_in(files, "wiki")
    assert values["ingress"] == {"host": "${wiki_domain}"}
    assert values["persistence"] == {
        "existingClaim": "wiki-data",
        "size": "$${x} ${wiki_domain}",
    }
    variables = files["flux2/apps/wiki-secrets/wiki-kustomization-variables.yaml"]
    assert yaml.safe_load(variables)["data"] == {"wiki_domain": "www.${domain}"}
    assert "wiki-database" not in files["flux2/apps/wiki/secrets.yaml"]
    assert "flux2/apps/wiki-secrets/wiki-variables.yaml" not in files


def test_secrets_that_only_pods_name_are_made(tmp_path: Path) -> None:
    [app] = [one.app for one in lint(copied(CHARTS["wiki"], tmp_path), rules=()).apps]
    files = flux_package_for(app)
    secrets = [*yaml.safe_load_all(files["flux2/apps/wiki/secrets.yaml"])]
    assert {one["metadata"]["name"]: one["stringData"] for one in secrets} == {
        "wiki-database": {"password": "${wiki_database_password}"},
        "wiki-oidc": {"client-id": "${client_id}", "client-secret": "${client_secret}"},
    }
    generated = yaml.safe_load(files["flux2/apps/wiki-secrets/wiki-variables.yaml"])
    assert [one["fieldName"] for one in generated["spec"]["fields"]] == ["wiki_database_password"]


def test_a_chart_that_serves_and_keeps_nothing_by_default_does(
    tmp_path: Path,
) -> None:
    root = write_chart(tmp_path, CREATED_VALUES, CREATED_TEMPLATE)
    [draft] = init(root)
    assert values_in(draft.files, "shop-front") == {
        "ingress": {
            "enabled": True,
            "className": "nginx",
            "annotations": {"kubernetes.io/tls-acme": "true"},
            "hosts": [
                {"host": "${shop_front_domain}", "paths": [{"path": "/", "pathType": "Prefix"}]}
            ],
            "tls": [{"secretName": "shop-front-tls", "hosts": ["${shop_front_domain}"]}],
        },
        "persistence": {"enabled": True, "existingClaim": "shop-front-data"},
        "auth": {"adminPassword": "${auth_admin_password}"},
        "podLabels": {"stackspin.net/backupSet": "shop-front"},
        "podAnnotations": {"backup.velero.io/backup-volumes": "data"},
    }
    claim = yaml.safe_load(draft.files["flux2/apps/shop-front/pvc.yaml"])
    assert claim["spec"]["resources"]["requests"]["storage"] == "2Gi"
    assert only(root).level == 3
    found = read(root, draft)
    assert found.serves is not None
    assert found.serves.path == "/ready"
    assert found.without.login == "the package has no OAuth2Client"
    assert found.without.data is None


def test_an_address_in_the_values_gets_the_new_host(tmp_path: Path) -> None:
    root = write_chart(
        tmp_path,
        "host: a.example\nurl: https://a.example/x\nother: [b, see a.example]\nmine: ba.example\n",
        INGRESS.replace("HOST", ".Values.host"),
    )
    [app] = [one.app for one in lint(root, rules=()).apps]
    assert values_in(flux_package_for(app), "shop-front") == {
        "host": "${shop_front_domain}",
        "url": "https://${shop_front_domain}/x",
        "other": ["b", "see ${shop_front_domain}"],
    }


def test_a_chart_that_wants_a_host_gets_one(tmp_path: Path) -> None:
    needs = INGRESS.replace("HOST", '(required "host" .Values.host)')
    root = write_chart(tmp_path, 'host: ""\n', needs)
    [draft] = init(root)
    assert values_in(draft.files, "shop-front") == {"host": "${shop_front_domain}"}
    assert read(root, draft).host == "shop-front.${domain}"


def test_what_a_secret_made_by_hand_has_is_not_set_as_well(tmp_path: Path) -> None:
    volume = {"name": "a", "secret": {"secretName": "mine", "items": [
        {"key": "admin", "path": "a"}, {"key": "oidc", "path": "b"}, {"key": "user", "path": "c"}
    ]}}  # fmt: skip
    claim = {"name": "b", "persistentVolumeClaim": {"claimName": "shop-data"}}
    pod = {"containers": [{"name": "a", "image": "a:1"}], "volumes": [volume, claim]}
    template = yaml.safe_dump(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": pod}
    )
    root = write_chart(tmp_path, "existingSecret: mine\nadmin: {password: ''}\n", template)
    [app] = [one.app for one in lint(root, rules=()).apps]
    files = flux_package_for(app)
    assert values_in(files, "shop-front") == {}
    assert yaml.safe_load(files["flux2/apps/shop-front/secrets.yaml"])["stringData"] == {
        "admin": "${mine_admin}",
        "oidc": "${mine_oidc}",
        "user": "admin",
    }
    # Nothing makes the claim that the pod names.
    claim = yaml.safe_load(files["flux2/apps/shop-front/pvc.yaml"])
    assert claim["metadata"]["name"] == "shop-data"


def test_variables_of_a_copied_list_stay_as_they_are(tmp_path: Path) -> None:
    root = write_chart(
        tmp_path,
        "hosts: [a.example, 'echo ${HOME}']\n",
        INGRESS.replace("HOST", "first .Values.hosts"),
    )
    [app] = [one.app for one in lint(root, rules=()).apps]
    assert values_in(flux_package_for(app), "shop-front") == {
        "hosts": ["${shop_front_domain}", "echo $${HOME}"]
    }


def test_a_chart_goes_where_stackspins_own_are(tmp_path: Path) -> None:
    [alone] = [one.app for one in lint(copied(CHARTS["board"], tmp_path), rules=()).apps]
    assert chart_path(alone) == "./charts/board"


def test_flux2_inside_of_a_chart_is_no_part_of_it(tmp_path: Path) -> None:
    root = copied(CHARTS["board"], tmp_path)
    init(root)
    app: AppPackage = only(root).app
    assert not [file for file in app.charts[0].files if file.startswith("flux2/")]
    release = root / "flux2" / "apps" / "board" / "release.yaml"
    release.write_text(release.read_text().replace("./charts/board", "./charts/other"))
    package, chart = sorted(lint(root).apps, key=lambda one: one.app.path, reverse=True)
    assert (package.level, chart.level) == (0, 3)
    assert any("charts/other" in one.message for one in package.findings)
