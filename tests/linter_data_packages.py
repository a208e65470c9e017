"""Packages and objects for the rules about backups, logins and secrets."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import yaml

from conformance.linter.app import AppPackage, Installation
from conformance.linter.findings import Problem
from conformance.linter.lint import lint
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import Document
from conformance.linter.result import AppResult
from conformance.linter.rule import Rule, all_rules

FAMILIES = ("backup", "oidc", "secrets")
SET, VOLUMES = "stackspin.net/backupSet", "backup.velero.io/backup-volumes"


def rules_about_data() -> list[Rule]:
    return [one for id, one in all_rules().items() if id.partition(".")[0] in FAMILIES]


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
        for rule in rules_about_data()
        for one in rule.check(package)
        if isinstance(one, Problem)
    ]


def ids(package: AppPackage) -> list[str]:
    return [line.partition(":")[0] for line in said(package)]


def deployment(name: str = "notes", **changes: Any) -> Manifest:
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
    return lint(folder, rules=rules_about_data()).apps[0]


def found(result: AppResult) -> list[tuple[str, str, int]]:
    return [(one.rule.id, one.place.file, one.place.line) for one in result.findings]
