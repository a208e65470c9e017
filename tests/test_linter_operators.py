"""Secrets that operators make, or copy between namespaces."""

from __future__ import annotations

from typing import Any

import pytest
from linter_workloads import flux, messages, named, reference

COPIED = {
    "replicator.v1.mittwald.de/replicate-to": "apps",
    "reflector.v1.k8s.emberstack.com/reflection-allowed": "true",
    "kubed.appscode.com/sync": "",
}


def made(kind: str, api_version: str, spec: dict[str, Any], namespace: str = "apps"):
    return named(kind, "bundle", namespace, apiVersion=api_version, spec=spec)


@pytest.mark.parametrize(
    "maker",
    [
        made(
            "SopsSecret", "isindir.github.com/v1", {"secretTemplates": [{"name": "notes-secrets"}]}
        ),
        made("BitwardenSecret", "k8s.bitwarden.com/v1", {"secretName": "notes-secrets"}),
        made(
            "InfisicalSecret",
            "secrets.infisical.com/v1alpha1",
            {"managedKubeSecretReferences": [{"secretName": "notes-secrets"}]},
        ),
        made(
            "ClusterExternalSecret",
            "external-secrets.io/v1",
            {"externalSecretSpec": {"target": {"name": "notes-secrets"}}},
            namespace="",
        ),
    ],
    ids=lambda one: one["kind"],
)
def test_an_operators_object_may_name_the_secret_that_it_makes(maker) -> None:
    assert messages(flux(reference(), maker)) == []


def test_an_object_of_a_known_kind_makes_what_is_known_of_it_only() -> None:
    user = {"bootstrap": {"initdb": {"secret": {"name": "notes-secrets"}}}}
    app = flux(reference(), made("Cluster", "postgresql.cnpg.io/v1", user))

    [message] = messages(app)
    assert 'needs Secret "notes-secrets", which nothing creates' in message


@pytest.mark.parametrize("annotation", COPIED)
def test_a_secret_may_be_copied_into_the_namespace(annotation: str) -> None:
    secret = named("Secret", "notes-secrets", "elsewhere", stringData={"key": "x"})
    [message] = messages(flux(reference(), secret))
    assert "one is in namespace elsewhere, the pod in apps" in message

    secret["metadata"]["annotations"] = {annotation: COPIED[annotation]}
    assert messages(flux(reference(), secret)) == []


def test_an_empty_secret_may_be_filled_with_a_copy() -> None:
    secret = named("Secret", "notes-secrets")
    [message] = messages(flux(reference(), secret))
    assert "which has no such key" in message

    secret["metadata"]["annotations"] = {"replicator.v1.mittwald.de/replicate-from": "db/notes"}
    assert messages(flux(reference(), secret)) == []
