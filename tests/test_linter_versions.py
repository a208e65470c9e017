"""The versions of Flux and Kubernetes that a package is judged for."""

from __future__ import annotations

import argparse
from typing import Any

import pytest
from linter_objects import manifest

from conformance.common.pins import pin
from conformance.linter.facts.kubernetes_schema import (
    deprecated,
    kinds,
    unserved,
    validate,
)
from conformance.linter.manifest import Manifest
from conformance.linter.schemas.removed import REMOVED
from conformance.linter.versions import FLUX, Versions, minor


def of_kind(api: str, kind: str) -> Manifest:
    return manifest(f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: a}}\n")


@pytest.mark.parametrize(
    ("api", "kind", "flux", "gone", "old"),
    [
        ("helm.toolkit.fluxcd.io/v2beta1", "HelmRelease", (2, 6), False, False),
        ("helm.toolkit.fluxcd.io/v2beta1", "HelmRelease", (2, 7), True, False),
        ("helm.toolkit.fluxcd.io/v2beta2", "HelmRelease", (2, 2), False, False),
        ("helm.toolkit.fluxcd.io/v2beta2", "HelmRelease", (2, 7), False, True),
        ("helm.toolkit.fluxcd.io/v2beta2", "HelmRelease", (2, 8), True, False),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease", (2, 2), True, False),
        ("source.toolkit.fluxcd.io/v1beta2", "HelmRepository", (2, 8), True, False),
        ("source.toolkit.fluxcd.io/v1", "OCIRepository", (2, 5), True, False),
        ("source.toolkit.fluxcd.io/v1beta2", "OCIRepository", (2, 5), False, False),
        ("source.toolkit.fluxcd.io/v1", "OCIRepository", (2, 8), False, False),
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", (2, 9), False, False),
        ("apps/v1", "Deployment", (2, 1), False, False),
    ],
)  # fmt: skip
def test_the_api_of_another_flux(api: str, kind: str, flux: Any, gone: bool, old: bool) -> None:
    found, versions = of_kind(api, kind), Versions(flux=flux)
    assert (unserved(found, versions) is not None, deprecated(found, versions) is not None) == (
        gone,
        old,
    )


def test_the_api_of_another_kubernetes() -> None:
    budget = of_kind("policy/v1beta1", "PodDisruptionBudget")
    cron = of_kind("batch/v1", "CronJob")
    for version, gone, early in (((1, 20), False, True), ((1, 24), False, False)):
        versions = Versions(kubernetes=version)
        assert (unserved(budget, versions) is not None) is gone
        assert (unserved(cron, versions) is not None) is early
    assert unserved(budget, Versions(kubernetes=(1, 25))) is not None


def test_no_version_means_the_pinned_ones() -> None:
    for api, its_kinds in REMOVED.items():
        for kind in its_kinds:
            if kind != "*" and kinds().get(api.rpartition("/")[0], {}).get(kind):
                assert unserved(of_kind(api, kind)) is not None
    # The controllers of Flux 2.7: https://github.com/fluxcd/flux2/releases/tag/v2.7.5
    controllers = ("helm-controller", "kustomize-controller", "source-controller")
    assert [pin(one).version.rpartition(".")[0] for one in controllers] == ["v1.4", "v1.7", "v1.7"]
    assert FLUX == (2, 7)


@pytest.mark.parametrize("text", ["", "2", "two", "2.x", "2.8.1.1"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a version"):
        minor(text)
    assert minor("v2.8.1") == minor("2.8") == (2, 8)


def test_the_types_of_fields_are_judged_in_a_version_without_a_schema() -> None:
    old = manifest(
        """
        apiVersion: helm.toolkit.fluxcd.io/v2beta1
        kind: HelmRelease
        metadata: {name: a}
        spec:
          interval: 5
          chart: {spec: {chart: a, valuesFile: values.yaml}}
          install: {remediation: {retries: "3"}}
        """
    )
    assert [one.message for one in validate(old)] == [
        'spec.interval is the number "5", but must be text',
        'spec.install.remediation.retries is the text "3", but must be a whole number',
    ]
