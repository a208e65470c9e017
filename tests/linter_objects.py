"""Objects to compare with their schemas."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from conformance.linter.app import AppPackage
from conformance.linter.facts.kubernetes_schema import (
    validate,
)
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import parse

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: notes}
spec:
  selector: {matchLabels: {app: notes}}
  template:
    metadata: {labels: {app: notes}}
    spec:
      containers:
      - name: notes
        image: notes:1
        ports: [{name: http, containerPort: 8080}]
        env: [{name: TITLE, value: Notes}]
        resources: {limits: {memory: 64Mi, cpu: 1}}
        livenessProbe: {httpGet: {path: /, port: http}}
      volumes: [{name: data, persistentVolumeClaim: {claimName: notes}}]
"""


def manifest(text: str, *, rendered: bool = False, file: str = "file.yaml") -> Manifest:
    document = parse(dedent(text).lstrip(), file)[0][0]
    return Manifest(document.value, file, document.line, rendered)


def messages(found: Manifest) -> list[str]:
    return [violation.message for violation in validate(found)]


def app(*written: Manifest, **more: Any) -> AppPackage:
    return AppPackage("notes", ".", "", written=written, **more)
