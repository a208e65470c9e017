"""Two clusters as discovery reads them: the reference platform, recorded, and one made by hand."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
import yaml

from conformance.kube.objects import Object, Objects
from conformance.platform.discovery import Cluster
from conformance.platform.discovery.cluster import KINDS
from conformance.platform.discovery.web import Answer
from conformance.platform.features import GENERATOR

FOLDER = Path(__file__).with_name("platforms")
REFERENCE_SECRETS = {
    "flux-system/stackspin-cluster-variables": {"domain": "stackspin.test"},
    "velero/object-store": {"access_key": "a", "secret_key": "b"},
    "stackspin/ingress-default-certificate": {"tls.crt": "a", "tls.key": "b", "ca.crt": "c"},
    "stackspin-conformance/ingress-authority": {"tls.crt": "c", "tls.key": "d"},
}


def reference() -> Cluster:
    """The reference platform: ``kubectl get --output json`` of a run's cluster, trimmed."""
    return cluster_of(json.loads((FOLDER / "reference.json").read_text()), REFERENCE_SECRETS)


def annex() -> Cluster:
    """A platform with other names, databases, hosts and classes than the reference's."""
    read = yaml.safe_load((FOLDER / "annex.yaml").read_text())
    objects = [
        {"kind": kind, **copy.deepcopy(item)}
        for kind, items in read["kinds"].items()
        for item in items
    ]
    return cluster_of(objects, read["secrets"])


def cluster_of(objects: Objects, secrets: Mapping[str, Mapping[str, str]]) -> Cluster:
    by_kind: dict[str, list[Object]] = {kind: [] for kind in KINDS}
    for item in objects:
        by_kind[item["kind"]].append(item)
    return Cluster(by_kind, lambda namespace, name: secrets.get(f"{namespace}/{name}", {}))


class FakeWeb:
    """Answers with discovery documents, and 200 and the same page at each other URL."""

    addresses = ()

    def __init__(
        self,
        *issuers: str,
        trusted: str = "stackspin-ca",
        status: int = 200,
        page: str = GENERATOR,
    ) -> None:
        self.issuers = issuers
        self.trusted = trusted
        self.status = status
        self.page = page

    def document(self, issuer: str) -> Answer:
        for one in self.issuers:
            if one.rstrip("/") == issuer.rstrip("/"):
                return Answer({"issuer": one}, self.trusted)
        return Answer(problem=f"{issuer} does not answer", fix="See to it.")

    def is_issued_by(self, _url: str, _certificates: str) -> bool | None:
        return True

    def get(self, url: str) -> Any:
        response = requests.Response()
        # As the reference dashboard: a login begins at Kratos.
        begins_login = url.endswith("/web/login")
        response.status_code = 302 if begins_login else self.status
        response.raw = io.BytesIO(b"" if begins_login else self.page.encode())
        return response, self.trusted
