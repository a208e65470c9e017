"""What is on the annex's cluster when Flux and Helm have done their work, without a cluster."""

from __future__ import annotations

import copy
import importlib.util
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from described_clusters import cluster_of
from helm_python.chart import Chart

from conformance.common.pki import CertificateAuthority
from conformance.common.settings import PROJECT_ROOT
from conformance.kube.objects import Object, Objects
from conformance.platform.discovery import Cluster
from conformance.platform.discovery.cluster import KINDS

ANNEX = PROJECT_ROOT / "fixtures" / "platforms" / "annex"
DEFECTS = sorted((ANNEX / "defects").glob("*.patch"))
ADDRESS = "192.0.2.9"
KEYS = {"access_key": "key", "secret_key": "secret"}
_VARIABLE = re.compile(r"\$\{(\w+)(?::=([^}]*))?\}")
_KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
_HELM = "helm.toolkit.fluxcd.io"
AUTHORITY = CertificateAuthority().certificate.decode()
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast, if PyYAML has it."""
_NODE: Object = {
    "kind": "Node",
    "metadata": {"name": "node"},
    "status": {"addresses": [{"type": "InternalIP", "address": ADDRESS}]},
}


def installer() -> ModuleType:
    """The annex's script, which is no module of the suite's."""
    spec = importlib.util.spec_from_file_location("annex_install", ANNEX / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def documents(path: Path) -> Objects:
    return [item for item in yaml.load_all(path.read_text(), _LOADER) if item]


def said(patch: Path) -> dict[str, str]:
    """What the lines above a patch say of it."""
    lines = patch.read_text().partition("\ndiff --git ")[0].strip().splitlines()
    return dict(line.split(": ", 1) for line in lines)


class Annex:
    """What a tree comes to; ``tree`` may be a copy with a defect."""

    def __init__(self, tree: Path = ANNEX / "tree") -> None:
        self.tree = tree
        variables = installer().variables("annex.test", ADDRESS, KEYS)
        self._secrets: dict[str, Mapping[str, str]] = {
            "flux-system/stackspin-cluster-variables": variables,
            "flux-system/stackspin-ext-crm-oauth-variables": {},
            "provider/s3-customer": KEYS,
        }
        # As cert-manager's stand-in copies it.
        metadata = {"name": "annex-authority", "namespace": "stackspin-apps"}
        copied = {"kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": AUTHORITY}}
        kubernetes = {"kind": "Namespace", "metadata": {"name": "kube-system"}}
        self.objects: Objects = [_NODE, kubernetes, copied]
        for path in (*sorted((ANNEX / "outside").glob("*.yaml")), ANNEX / "source.yaml"):
            self.objects += documents(path)
        self.objects[-2]["spec"]["suspend"] = True
        self._apply(self.objects[-1])
        for release in [item for item in self.objects if item["kind"] == "HelmRelease"]:
            self.objects += self._rendered(release)

    def of(self, kind: str, name: str = "") -> Objects:
        return [
            item
            for item in self.objects
            if item["kind"] == kind and name in ("", item["metadata"]["name"])
        ]

    def one(self, kind: str, name: str) -> Object:
        [found] = self.of(kind, name)
        return found

    def cluster(self) -> Cluster:
        """The cluster as discovery reads it, with a pod for each workload."""
        pods = [pod for item in self.objects for pod in _pods(item)]
        objects = [item for item in (*self.objects, *pods) if item["kind"] in KINDS]
        return cluster_of(copy.deepcopy(objects), self._secrets)

    def _apply(self, kustomization: Object) -> None:
        """Add what a Kustomization applies, and what those that it applies do."""
        metadata, spec = kustomization["metadata"], kustomization["spec"]
        labels = {
            f"{_KUSTOMIZE}/name": metadata["name"],
            f"{_KUSTOMIZE}/namespace": metadata["namespace"],
        }
        substitutes: dict[str, str] = {}
        for source in spec.get("postBuild", {}).get("substituteFrom", ()):
            substitutes |= self._data(source)
        for item in _folder(self.tree / spec["path"]):
            made = _substituted(item, substitutes) if substitutes else item
            made["metadata"]["labels"] = {**made["metadata"].get("labels", {}), **labels}
            self.objects.append(made)
            if made["kind"] == "StringSecret":
                self._generate(made)
            elif made["kind"] == "Secret":
                self._secrets[_where(made)] = made["stringData"]
            elif made["apiVersion"].startswith(_KUSTOMIZE):
                self._apply(made)

    def _generate(self, item: Object) -> None:
        fields = item["spec"]["fields"]
        self._secrets[_where(item)] = {field["fieldName"]: "generated" for field in fields}

    def _data(self, source: Object) -> Mapping[str, str]:
        """The variables in an object of flux-system; it must be there already."""
        name = source["name"]
        if source["kind"] == "Secret":
            return self._secrets[f"flux-system/{name}"]
        data: Mapping[str, str] = self.one("ConfigMap", name)["data"]
        return data

    def _rendered(self, release: Object) -> Objects:
        name, namespace = release["metadata"]["name"], release["metadata"]["namespace"]
        required = [one for one in release["spec"]["valuesFrom"] if not one.get("optional")]
        [values] = [self.one("ConfigMap", one["name"])["data"]["values.yaml"] for one in required]
        with Chart.load(self.tree / release["spec"]["chart"]["spec"]["chart"]) as chart:
            files = chart.render(values=yaml.safe_load(values), name=name, namespace=namespace)
        items = [item for text in files.values() for item in yaml.load_all(text, _LOADER) if item]
        for item in items:
            metadata = item["metadata"]
            metadata["labels"] = {
                **metadata.get("labels", {}),
                f"{_HELM}/name": name,
                f"{_HELM}/namespace": namespace,
            }
            metadata.setdefault("namespace", namespace)
        return items


def _substituted(value: Any, substitutes: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _value(found, substitutes), value)
    if isinstance(value, dict):
        return {key: _substituted(item, substitutes) for key, item in value.items()}
    if isinstance(value, list):
        return [_substituted(item, substitutes) for item in value]
    return value


def _value(found: re.Match[str], substitutes: Mapping[str, str]) -> str:
    name, default = found.groups()
    if name not in substitutes and default is None:
        raise AssertionError(f"nothing defines {name}")
    return substitutes.get(name, default)


def _folder(path: Path) -> Objects:
    """What a folder of the tree has, as kustomize reads it."""
    listed = path / "kustomization.yaml"
    if not listed.is_file():
        return [item for each in sorted(path.glob("*.yaml")) for item in documents(each)]
    [content] = documents(listed)
    found = [item for name in content["resources"] for item in documents(path / name)]
    for each in content.get("configMapGenerator", ()):
        data = {name: (path / name).read_text() for name in each["files"]}
        metadata = {"name": each["name"], "namespace": each["namespace"]}
        found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    return found


def _pods(item: Object) -> Iterator[Object]:
    if item["kind"] not in ("Deployment", "StatefulSet", "DaemonSet"):
        return
    name, template = item["metadata"]["name"], item["spec"]["template"]
    owner = {"kind": item["kind"], "name": name}
    if item["kind"] == "Deployment":
        owner = {"kind": "ReplicaSet", "name": f"{name}-5d6f"}
    metadata = {
        "name": f"{name}-5d6f-x7k2p",
        "namespace": item["metadata"]["namespace"],
        "labels": template["metadata"]["labels"],
        "ownerReferences": [owner],
    }
    yield {"kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def _where(item: Object) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"
