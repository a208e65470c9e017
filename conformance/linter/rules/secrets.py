"""Whether passwords, tokens and keys are written where everybody can read them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from conformance.linter.access import get, text
from conformance.linter.facts import logins
from conformance.linter.facts.configuration import (
    Lines,
    Setting,
    object_settings,
    settings_of,
    values_settings,
)
from conformance.linter.facts.credentials import is_credential
from conformance.linter.findings import NotRun, Place, Problem, quoted
from conformance.linter.flux.variables import is_encrypted
from conformance.linter.helm.chart_parts import declared, is_used
from conformance.linter.helm.chart_text import literal_credentials
from conformance.linter.pods import WORKLOADS
from conformance.linter.reading.documents import Document
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Chart
    from conformance.linter.manifest import Manifest

_WHY = (
    "Everybody who can read the repository can read it, and it is the same in every installation."
)
_GENERATE = (
    "Let a StringSecret generate it, name its Secret under substituteFrom of the Kustomization, "
    'and write "${name_of_the_field}" here.'
)
_EXISTING = re.compile(r"existing[-_]?secret([-_]?name)?|secret[-_]?name", re.IGNORECASE)


@rule(
    "secrets.literal-value",
    "No password is written in the values",
    level=3,
    why=_WHY,
    source="Stackspin",
    fix=_GENERATE,
    example="""
# the values
postgresql:
  auth:
    password: "${postgresql_password}"
# APP-secrets: kind: StringSecret
fields:
  - fieldName: postgresql_password
    length: "32"
""",
)
def literal_value(app: AppPackage) -> Iterator[Problem]:
    """Yield each credential that stands in the values of a HelmRelease."""
    settings = [
        setting
        for release, _, setting in values_settings(app)
        if not _is_off(release.chart, release.values, setting)
    ]
    yield from _literals(app, settings, "in the values")


@rule(
    "secrets.literal-config",
    "No password is written in a ConfigMap",
    level=3,
    why=f"{_WHY} And other apps in the cluster may read ConfigMaps.",
    source="https://kubernetes.io/docs/concepts/configuration/configmap/",
    fix=f"{_GENERATE} Put it into a Secret rather than a ConfigMap.",
    example="""
apiVersion: v1
kind: Secret
stringData:
  config.ini: |
    password = ${database_password}
""",
)
def literal_config(app: AppPackage) -> Iterator[Problem]:
    """Yield each credential in a ConfigMap that holds no values of a chart."""
    chain = logins.holders(app)
    for one in app.written:
        if one.kind == "ConfigMap" and (one.file, str(one)) not in chain:
            yield from _literals(app, list(object_settings(one, "data")), "in a ConfigMap")


@rule(
    "secrets.literal-env",
    "No password is written in a container's environment",
    level=3,
    why=f"{_WHY} It is also shown whenever somebody describes the pod.",
    source="https://kubernetes.io/docs/concepts/configuration/secret/",
    fix="Take it from a Secret: valueFrom.secretKeyRef.",
    example="""
env:
  - name: DB_PASSWORD
    valueFrom:
      secretKeyRef:
        name: notes-database
        key: password
""",
)
def literal_env(app: AppPackage) -> Iterator[Problem]:
    """Yield each credential in the environment of a written workload."""
    for one in app.written:
        if one.kind in WORKLOADS:
            settings = [item for item in object_settings(one, "spec") if "env" in item.path]
            yield from _literals(app, settings, "in the environment of a container")


@rule(
    "secrets.committed",
    "The repository holds no Secret in plain text",
    level=3,
    why=f"{_WHY} base64 is no protection: anybody can decode it.",
    source="https://kubernetes.io/docs/concepts/configuration/secret/",
    fix="Make it a StringSecret with generated fields. If it must be exactly this value, put it "
    "into a file encrypted with SOPS, which Flux can read.",
    example="""
apiVersion: secretgenerator.mittwald.de/v1alpha1
kind: StringSecret
metadata:
  name: stackspin-notes-variables
  namespace: flux-system
spec:
  fields:
    - fieldName: password
      length: "32"
""",
)
def committed(app: AppPackage) -> Iterator[Problem]:
    """Yield each credential in a Secret that is written, or given to a StringSecret as it is."""
    chain = logins.holders(app)
    for one in app.written:
        settings: list[Setting] = []
        if one.kind == "Secret" and one.get("sops") is None:
            if (one.file, str(one)) not in chain:
                settings = list(object_settings(one, "stringData"))
                yield from _encoded(app, one)
        elif one.kind in ("StringSecret", "BasicAuth"):
            settings = list(object_settings(one, "spec", "data"))
        yield from _literals(app, settings, f"in {one.kind} {one.name}")


@rule(
    "secrets.decryption",
    "Flux is told how to decrypt what SOPS has encrypted",
    level=1,
    why="Without spec.decryption, Flux applies the encrypted text as it is: Kubernetes refuses the "
    "object for its field sops, and nothing of the Kustomization is applied.",
    source="https://fluxcd.io/flux/components/kustomize/kustomizations/#decryption",
    fix="Add decryption to the Kustomization, with the Secret that has the key.",
    example="""
spec:
  decryption:
    provider: sops
    secretRef:
      name: sops-age
""",
)
def decryption(app: AppPackage) -> Iterator[Problem]:
    """Yield each encrypted object of a Kustomization that does not decrypt."""
    for kustomization in app.kustomizations:
        if text(kustomization.manifest.get("spec", "decryption", "provider")) == "sops":
            continue
        for one in kustomization.members:
            if is_encrypted(one):
                yield Problem(
                    one.place(),
                    f"{one.kind} {one.name} is encrypted by SOPS, and Kustomization"
                    f" {kustomization.name} has no spec.decryption",
                )


def _encoded(app: AppPackage, secret: Manifest) -> Iterator[Problem]:
    """Yield each credential in the ``data`` of a Secret, which is base64."""
    lines = Lines(app)
    for one in object_settings(secret, "data"):
        if not lines.written(one.place, one.value):
            continue
        for key, value in _contents(one):
            if is_credential(key, value):
                message = f"{quoted(key)} is written in Secret {secret.name}, only in base64"
                yield Problem(lines.located(one), message)


def _contents(encoded: Setting) -> Iterator[tuple[str, str]]:
    """Yield what base64 says: the value itself, and what it sets if it is a file."""
    try:
        value = base64.b64decode(encoded.value, validate=True).decode()
    except (binascii.Error, ValueError):
        return
    yield encoded.key, value
    if "\n" in value.strip():
        document = Document(encoded.place.file, {encoded.key: value})
        for one in settings_of(document, encoded.place.object):
            yield one.key, one.value


@rule(
    "secrets.in-chart",
    "No password is written in a chart's templates",
    level=3,
    why=_WHY,
    source="https://helm.sh/docs/chart_best_practices/values/",
    fix="Take it from a value of the chart that has no default, or from an existing Secret.",
    example="""
# templates/secret.yaml
data:
  password: {{ required "password or existingSecret" .Values.password | b64enc }}
""",
)
def in_chart(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each credential in a template, and in the files that it may put into a ConfigMap."""
    for chart in app.charts:
        for one in literal_credentials(chart):
            message = f"{quoted(one.key)} has its value written in the chart"
            yield Problem(Place(one.file, one.line), message)
    yield from _charts_elsewhere(app, "whether a password is written in its templates")


@rule(
    "secrets.default-password",
    "A chart has no default password",
    level=3,
    why="Most installations keep the default: everybody who can read the chart knows it.",
    source="https://helm.sh/docs/chart_best_practices/values/",
    fix="Leave the default empty, and let the template require the value or an existing Secret.",
    example="""
# values.yaml
admin:
  # Required, unless existingSecret is given.
  password: ""
  existingSecret: ""
""",
)
def default_password(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each credential among a chart's defaults that not every HelmRelease replaces."""
    for chart in app.charts:
        if chart.values is None:
            continue
        releases = [one for one in app.releases if one.chart is chart]
        settings = [
            one
            for one in settings_of(chart.values, "")
            if _is_default(chart, one, [release.values for release in releases])
        ]
        yield from _literals(app, settings, "in the chart's default values")
    yield from _charts_elsewhere(app, "whether it has a default password")


def _is_default(chart: Chart, one: Setting, releases: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a default of a chart counts: for a release, or where there is none."""
    return any(
        get(values, *one.path) in (None, one.value) and not _is_off(chart, values, one)
        for values in releases or [{}]
    )


def _is_off(chart: Chart | None, values: Mapping[str, Any], one: Setting) -> bool:
    """Return whether a setting is for a part of a chart that the values switch off."""
    defaults = chart.values.value if chart is not None and chart.values is not None else {}
    for length in range(1, len(one.path)):
        path = (*one.path[:length], "enabled")
        enabled = get(values, *path)
        if (get(defaults, *path) if enabled is None else enabled) is False:
            return True
    own = [] if chart is None else declared(chart)
    parts = [part for part in own if one.path[:1] == (part.alias or part.name,)]
    return bool(parts) and not any(is_used(part, chart, values) for part in parts if chart)


def _charts_elsewhere(app: AppPackage, what: str) -> Iterator[NotRun]:
    for reason in dict.fromkeys(one.chart_missing for one in app.releases if one.chart is None):
        yield NotRun(f"{reason}: it is not known {what}")


def _literals(app: AppPackage, settings: list[Setting], where: str) -> Iterator[Problem]:
    """Yield the settings that are credentials and come of no variable.

    Not those that another rule speaks of, and not those beside the name of a Secret: that wins.
    """
    lines = Lines(app)
    told = {one.place for one in logins.mismatches(app)}
    names = {one.name for one in app.everything()}
    names |= {one.name for installation in app.installations for one in installation.manifests}
    replaced = {
        (one.place.file, one.place.object, one.group)
        for one in settings
        if _EXISTING.fullmatch(one.key) and one.value
    }
    for one in settings:
        if one.place in told or (one.place.file, one.place.object, one.group) in replaced:
            continue
        if one.value in names:
            continue  # a Secret's name under a key such as "secret"
        if is_credential(one.key, one.value, parents=one.path[:-1]):
            place = lines.located(one)
            if lines.written(place, one.value):
                yield Problem(place, f"the value of {quoted(one.key)} is written {where}")
