"""Whether a HelmRelease, and the Kustomization around it, do what an operator needs of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.linter.access import get, mapping, text
from conformance.linter.app import AppPackage
from conformance.linter.durations import seconds
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.flux import platform
from conformance.linter.rule import rule

HELM_RELEASE = "https://fluxcd.io/flux/components/helm/helmreleases/"
KUSTOMIZATION = "https://fluxcd.io/flux/components/kustomize/kustomizations/"
_EXACT = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?")
_SHORTEST, _LONGEST = 30.0, 86_400.0
"""Seconds between reconciliations: below, the node is busy with it; above, drift stays a day."""
PRUNE = "kustomize.toolkit.fluxcd.io/prune"


@rule(
    "release.version",
    "A chart from a Helm repository has one exact version",
    level=3,
    why="Without a version, or with a range, a new version of the chart upgrades every instance "
    "as soon as it is published: nobody has tested it, and nobody can say what runs.",
    source=f"{HELM_RELEASE}#chart-template",
    fix="Write the exact version; a commit changes it once the new one is tested.",
    example="""
chart:
  spec:
    chart: forgejo
    version: 13.0.1
""",
)
def version(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each release whose chart may change by itself."""
    for release in app.releases:
        spec = mapping(release.manifest.get("spec", "chart", "spec"))
        if text(get(spec, "sourceRef", "kind")) != "HelmRepository":
            continue
        found = spec.get("version")
        if found is None:
            yield Problem(
                release.manifest.place("spec", "chart", "spec"),
                f"HelmRelease {release.name} uses whatever version of chart"
                f" {text(spec.get('chart'))} is the newest",
            )
        elif not _EXACT.fullmatch(str(found)):
            yield Problem(
                release.manifest.place("spec", "chart", "spec", "version"),
                f"version {quoted(found)} of chart {text(spec.get('chart'))} is a range, so the"
                " chart changes without a commit",
            )


@rule(
    "release.remediation",
    "A HelmRelease says what to do when an installation or upgrade fails",
    level=3,
    severity=Severity.WARNING,
    why="Without it one failed attempt leaves the release half upgraded, until somebody suspends "
    "and resumes it.",
    source=f"{HELM_RELEASE}#configuring-failure-handling",
    fix="Add install.remediation and upgrade.remediation.",
    example="""
install:
  remediation:
    retries: 3
upgrade:
  remediation:
    retries: 3
    remediateLastFailure: true
""",
)
def remediation(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each release without it."""
    for release in app.releases:
        absent = [
            f"{action}.remediation"
            for action in ("install", "upgrade")
            if not mapping(release.manifest.get("spec", action, "remediation"))
            and not mapping(release.manifest.get("spec", action, "strategy"))
        ]
        if absent:
            yield Problem(
                release.manifest.place("spec"),
                f"HelmRelease {release.name} has no {' and no '.join(absent)}",
            )


@rule(
    "release.interval",
    "Flux looks at an app every few minutes, not seconds or days",
    level=3,
    severity=Severity.WARNING,
    why="Each reconciliation renders the chart and compares all its objects: if it happens every "
    "few seconds, it is the node's main work; if only every few days, manual changes stay for "
    "days.",
    source=f"{HELM_RELEASE}#interval",
    fix="Use 5m to 1h.",
    example="""
spec:
  interval: 5m
""",
)
def interval(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each interval that is too short or too long."""
    for manifest in app.objects("HelmRelease", "Kustomization"):
        found = text(manifest.get("spec", "interval"))
        value = seconds(found)
        if value is not None and not _SHORTEST <= value <= _LONGEST:
            yield Problem(
                manifest.place("spec", "interval"),
                f"{manifest.kind} {manifest.name} is reconciled every {quoted(found)}",
            )


@rule(
    "release.suspended",
    "Nothing is suspended",
    level=1,
    why="Flux ignores a suspended object: the app is never installed, or never upgraded again.",
    source=f"{HELM_RELEASE}#suspend",
    fix="Remove suspend: true; operators suspend an app in the cluster.",
    example="""
spec:
  suspend: false
""",
)
def suspended(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield what is suspended."""
    for manifest in app.objects("HelmRelease", "Kustomization", "HelmRepository", "GitRepository"):
        # Stackspin itself suspends its source by day.
        ours = manifest.kind == "GitRepository" and manifest.name in platform.SOURCES
        if manifest.get("spec", "suspend") is True and not ours:
            yield Problem(
                manifest.place("spec", "suspend"),
                f"{manifest.kind} {manifest.name} is suspended: Flux ignores it",
            )


@rule(
    "release.wait",
    "The Kustomization of an app waits until the app is ready, and deletes what was removed",
    level=2,
    severity=Severity.WARNING,
    why="Without wait, Flux reports an app as Ready although its HelmRelease fails; without "
    "prune, objects removed from the repository stay in the cluster forever.",
    source=f"{KUSTOMIZATION}#wait",
    fix="Set wait: true (or healthChecks) and prune: true.",
    example="""
spec:
  wait: true
  prune: true
""",
)
def wait(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Kustomization of a HelmRelease without them."""
    for kustomization in app.kustomizations:
        if not any(one.kind == "HelmRelease" for one in kustomization.members):
            continue
        manifest = kustomization.manifest
        if manifest.get("spec", "wait") is not True and not manifest.get("spec", "healthChecks"):
            yield Problem(
                manifest.place("spec"), f"Kustomization {manifest.name} does not wait for the app"
            )
        if manifest.get("spec", "prune") is not True:
            yield Problem(
                manifest.place("spec", "prune"),
                f"Kustomization {manifest.name} does not prune what is removed from it",
            )


@rule(
    "release.prune-data",
    "Removing an app from the repository does not delete people's data",
    level=3,
    severity=Severity.WARNING,
    why="A Kustomization with prune: true deletes whatever is no longer in its folder, claims "
    "included: a renamed folder or a mistake in a commit deletes all data of the app.",
    source=f"{KUSTOMIZATION}#prune",
    fix=f"Annotate the claim with {PRUNE}: disabled.",
    example=f"""
metadata:
  annotations:
    {PRUNE}: disabled
""",
)
def prune_data(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim that a commit can delete."""
    for kustomization in app.kustomizations:
        if kustomization.manifest.get("spec", "prune") is not True:
            continue
        for one in kustomization.members:
            marks = (one.annotations.get(PRUNE), one.labels.get(PRUNE))
            if one.kind == "PersistentVolumeClaim" and "disabled" not in marks:
                yield Problem(
                    one.place("metadata"),
                    f"claim {one.name} and its data are deleted when the claim leaves the"
                    " repository",
                )


@rule(
    "release.values-once",
    "A key occurs only once in the values",
    level=2,
    severity=Severity.WARNING,
    why="If a key occurs twice, the last one counts: everything below the first is ignored.",
    source="https://yaml.org/spec/1.2.2/#3213-node-comparison",
    fix="Merge the two.",
    example="""
values.yaml: |
  ingress:
    enabled: true
    hosts: [] # not a second ingress: further down
""",
)
def values_once(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each source of values with a key that is there twice."""
    for release in app.releases:
        for source in release.sources:
            if source.repeated and source.manifest is not None:
                yield Problem(
                    source.manifest.place("data"),
                    f"values of {source.name}: {source.repeated}; the last one counts",
                )
