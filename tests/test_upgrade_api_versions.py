"""Versions of APIs that the next release of a platform does not have any more."""

from __future__ import annotations

from typing import Any

import yaml

from conformance.capabilities.platform_upgrade.api_versions import definitions, removed_versions

NAME = "stringsecrets.secretgenerator.mittwald.de"
GROUP = "secretgenerator.mittwald.de"


def definition(*versions: str, unserved: tuple[str, ...] = ()) -> dict[str, Any]:
    listed = [{"name": name, "served": name not in unserved} for name in (*versions, *unserved)]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME},
        "spec": {"group": GROUP, "names": {"kind": "StringSecret"}, "versions": listed},
    }


def written(name: str, version: str, **more: str) -> dict[str, Any]:
    field = {"manager": "kubectl", "apiVersion": f"{GROUP}/{version}", **more}
    return {"metadata": {"namespace": "apps", "name": name, "managedFields": [field]}}


class Api:
    """A cluster with one definition and its objects."""

    def __init__(self, found: dict[str, Any] | None, *objects: dict[str, Any]) -> None:
        self._found = found
        self._objects = objects

    def find(self, *_: str) -> dict[str, Any] | None:
        return self._found

    def list(self, *_: str) -> list[dict[str, Any]]:
        return [*self._objects]


def removed(api: Api, following: dict[str, Any]) -> list[str]:
    files = {"crds/one.yaml": yaml.safe_dump(following).encode()}
    return removed_versions(api, files)  # type: ignore[arg-type]


def stored(*versions: str) -> dict[str, Any]:
    return {**definition(*versions), "status": {"storedVersions": [*versions]}}


def test_a_version_that_objects_are_stored_as_may_not_go() -> None:
    api = Api(stored("v1alpha1"))
    assert removed(api, definition("v1alpha1", "v1")) == []
    assert removed(api, definition("v1")) == [
        f"{NAME}: objects are stored as v1alpha1, which the next release does not have"
    ]


def test_who_writes_a_version_that_is_served_no_more_is_named() -> None:
    objects = (
        written("old", "v1alpha1"),
        written("new", "v1"),
        written("looked-at", "v1alpha1", subresource="status"),
    )
    api = Api({**definition("v1alpha1", "v1"), "status": {"storedVersions": ["v1"]}}, *objects)
    assert removed(api, definition("v1", unserved=("v1alpha1",))) == [
        f"StringSecret apps/old: kubectl writes it as {GROUP}/v1alpha1, which the next release "
        "does not serve"
    ]


def test_what_is_not_on_the_cluster_yet_cannot_break() -> None:
    assert removed(Api(None), definition("v1")) == []


def test_templates_and_other_files_define_nothing() -> None:
    text = yaml.safe_dump(definition("v1"))
    files = {
        "chart/templates/crd.yaml": f"{{{{ if .Values.crds }}}}\n{text}".encode(),
        "README.md": text.encode(),
        "crds/one.yaml": f"{text}---\nkind: ConfigMap\n---\n".encode(),
        "other.yaml": b"kind: ConfigMap\n",
    }
    assert [one["metadata"]["name"] for one in definitions(files)] == [NAME]
