"""What Helm keeps of a release: in a Secret, JSON, packed with gzip, in base64.

https://helm.sh/docs/topics/advanced/#storage-backends
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import yaml

from conformance.linter.access import get, mapping, sequence, text

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.kube.objects import Object, Ref


def deployed_values(kube: Kube, release: Ref) -> Mapping[str, Any]:
    """Return the values of the deployed revision of a HelmRelease; none: it has none."""
    records = _records(kube, release, ",status=deployed")
    return mapping(records[0].get("config")) if records else {}


def made_by(kube: Kube, release: Ref) -> Iterator[Object]:
    """Yield the objects of a HelmRelease's newest revision, its hooks as well, as Helm made them.

    What post-renderers have changed is in them.
    """
    records = sorted(_records(kube, release), key=lambda one: int(one.get("version") or 0))
    for record in records[-1:]:
        texts = [text(record.get("manifest"))]
        texts += [text(get(one, "manifest")) for one in sequence(record.get("hooks"))]
        where = {"name": "", "namespace": text(record.get("namespace"))}
        for one in texts:
            for item in yaml.safe_load_all(one):
                for each in sequence(get(item, "items")) or [item]:
                    if "kind" in mapping(each):  # a template may render to nothing
                        yield {**each, "metadata": {**where, **mapping(get(each, "metadata"))}}


def _records(kube: Kube, release: Ref, more: str = "") -> list[Mapping[str, Any]]:
    item = kube.get(*release)
    name = item["spec"].get("releaseName") or release.name
    where = item["spec"].get("storageNamespace") or release.namespace
    secrets = kube.list("v1", "Secret", where, labels=f"owner=helm,name={name}{more}")
    return [
        mapping(json.loads(gzip.decompress(base64.b64decode(base64.b64decode(packed)))))
        for packed in (one["data"]["release"] for one in secrets)
    ]
