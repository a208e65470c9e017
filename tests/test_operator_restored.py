"""What the reference operator makes of an object, and of a Secret, that Velero restored."""

from __future__ import annotations

import base64
import importlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import kopf
import pykube
import pytest
import yaml

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "fixtures/services/operator"
RESOURCES = sorted((ROOT / "charts/operator/crds").glob("*.yaml"))


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The operator's modules, which import each other by their bare names."""
    monkeypatch.syspath_prepend(str(SOURCES))
    for source in SOURCES.glob("*.py"):
        monkeypatch.delitem(sys.modules, source.stem, raising=False)
    yield SimpleNamespace(
        startup=importlib.import_module("startup"),
        secrets=importlib.import_module("generated_secrets"),
    )
    for source in SOURCES.glob("*.py"):
        sys.modules.pop(source.stem, None)


@pytest.fixture
def settings(operator: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> kopf.OperatorSettings:
    nowhere = pykube.KubeConfig.from_url("http://127.0.0.1:1")
    monkeypatch.setattr(pykube.KubeConfig, "from_env", lambda: nowhere)
    made = kopf.OperatorSettings()
    operator.startup.configure(settings=made, memo=kopf.Memo())
    return made


def _handled(settings: kopf.OperatorSettings, body: dict[str, Any]) -> dict[str, Any]:
    """Return an object as it is in the cluster once kopf is through with it."""
    patch = kopf.Patch()
    before = kopf.Body(body)
    essence = settings.persistence.diffbase_storage.build(body=before)
    settings.persistence.diffbase_storage.store(body=before, patch=patch, essence=essence)
    record = {"started": "2026-11-24T12:00:00", "success": True}
    settings.persistence.progress_storage.store(
        key="reconcile", record=record, body=before, patch=patch
    )
    return _merged(body, patch)


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    changed = {
        key: _merged(old.get(key) or {}, value) if isinstance(value, dict) else value
        for key, value in new.items()
    }
    return {**old, **changed}


def _pruned(value: Any, schema: dict[str, Any]) -> Any:
    """Return what the API keeps of a value: the fields that a structural schema knows."""
    if not isinstance(value, dict) or schema.get("x-kubernetes-preserve-unknown-fields"):
        return value
    known = schema.get("properties", {})
    return {key: _pruned(value[key], known[key]) for key in value.keys() & known.keys()}


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda path: path.stem)
def test_a_restored_object_counts_as_new(settings: kopf.OperatorSettings, resource: Path) -> None:
    definition = yaml.safe_load(resource.read_text())["spec"]
    (version,) = definition["versions"]
    body = {
        "kind": definition["names"]["kind"],
        "metadata": {"name": "x", "namespace": "y", "annotations": {"a": "b"}},
        "spec": {},
    }
    handled = _handled(settings, body)
    status = version["schema"]["openAPIV3Schema"]["properties"]["status"]
    stored = kopf.Body({**handled, "status": _pruned(handled.get("status"), status)})
    known, progress = settings.persistence.diffbase_storage, settings.persistence.progress_storage
    assert known.fetch(body=stored) == known.build(body=stored), "kopf forgets what it handled"
    assert progress.fetch(key="reconcile", body=stored), "kopf forgets how far it came"

    # Velero restores everything but the status.
    restored = kopf.Body({key: value for key, value in stored.items() if key != "status"})
    assert known.fetch(body=restored) is None
    assert progress.fetch(key="reconcile", body=restored) is None


SPEC = {"fields": [{"fieldName": "password"}]}


def _ensured(
    secrets: ModuleType, monkeypatch: pytest.MonkeyPatch, data: dict[str, str]
) -> dict[str, str] | None:
    """Return what becomes of a StringSecret whose Secret has no owner."""
    found = SimpleNamespace(obj={"metadata": {"uid": "1"}, "data": data})
    query = SimpleNamespace(get_or_none=lambda **_: found)
    objects = SimpleNamespace(filter=lambda **_: query)
    monkeypatch.setattr(secrets.pykube.Secret, "objects", lambda _: objects)
    body = {"kind": "StringSecret", "metadata": {"name": "x", "namespace": "y"}, "spec": SPEC}
    return secrets._ensure(None, body, secrets.generator.string_secret, logging.getLogger())


def test_a_restored_secret_serves_without_an_owner(
    operator: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = {"password": base64.b64encode(b"restored").decode()}
    assert _ensured(operator.secrets, monkeypatch, data)["uid"] == "1"


def test_nothing_is_added_to_a_secret_of_somebody_else(
    operator: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _ensured(operator.secrets, monkeypatch, {"other": ""}) is None
