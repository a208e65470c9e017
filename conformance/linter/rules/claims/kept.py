"""People's data stays when the app is removed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import text
from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.storage import CLAIM
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_POLICY = "helm.sh/resource-policy"
_TEMPLATES = ("spec", "volumeClaimTemplates")
_RETENTION = ("spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted")


@rule("claims.kept", level=3, severity=Severity.WARNING)
def kept(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim that goes when Helm uninstalls the release."""
    yield from each(app, _deleted)


def _deleted(cluster: Cluster) -> Iterator[Problem]:
    for one in cluster.manifests:
        if not one.rendered or one.hook or not cluster.certain(one):
            continue
        if one.kind == CLAIM and text(one.annotations.get(_POLICY)).strip().lower() != "keep":
            yield Problem(
                one.place("metadata"),
                f"claim {one.name} and its data are deleted when the app is removed",
            )
        elif one.get(*_TEMPLATES) and one.get(*_RETENTION) == "Delete":
            yield Problem(
                one.place(*_RETENTION),
                f"the claims of StatefulSet {one.name} and their data are deleted when the app is "
                "removed",
            )
