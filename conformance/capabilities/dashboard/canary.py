"""A second release of the managed app: it shows when a change of the app's values has arrived."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.services.flux import API_VERSIONS

if TYPE_CHECKING:
    from conformance.apps.tracked import TrackedApp
    from conformance.kube.client import Kube
    from conformance.kube.objects import Object

_NO_REPLICAS = {"op": "replace", "path": "/spec/replicas", "value": 0}


@dataclass(frozen=True)
class Canary:
    """A release of the app's chart, on the app's values, that is never suspended."""

    name: str
    app: TrackedApp
    kube: Kube

    def manifest(self) -> Object:
        """Return its HelmRelease. No pods: two on one volume would be another app's trouble."""
        spec = self.app.branch.flux.get("HelmRelease", self.app.name, self.app.namespace)["spec"]
        no_pods = {"target": {"kind": "Deployment"}, "patch": json.dumps([_NO_REPLICAS])}
        return {
            "apiVersion": API_VERSIONS["HelmRelease"],
            "kind": "HelmRelease",
            "metadata": {"name": self.name, "namespace": self.app.namespace},
            "spec": {
                **{key: spec[key] for key in ("interval", "chart", "valuesFrom")},
                "values": {"ingress": {"enabled": False}},
                "postRenderers": [{"kustomize": {"patches": [no_pods]}}],
            },
        }

    def title(self) -> str:
        """Have Flux look at the values now; return the title that it has made of them."""
        flux, namespace = self.app.branch.flux, self.app.namespace
        token = flux.reconcile("HelmRelease", self.name, namespace)
        flux.wait_ready("HelmRelease", self.name, namespace, token=token)
        configuration = self.kube.get("v1", "ConfigMap", f"{self.name}-config", namespace)
        return str(tomllib.loads(configuration["data"]["override.toml"])["title"])
