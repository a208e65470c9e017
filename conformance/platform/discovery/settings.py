"""How a pod is set up: files of ConfigMaps, and environment variables, which win over these."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from conformance.kube.objects import Object
from conformance.platform.discovery.cluster import Cluster, namespace_of
from conformance.platform.discovery.pods import words_of


def setting(cluster: Cluster, pod: Object, *keys: str) -> str:
    """Return a setting of Ory's software, such as ``urls.login``; empty: it is not known.

    ``urls.login`` of a file is URLS_LOGIN in the environment:
    https://www.ory.sh/docs/ecosystem/configuring
    """
    if found := environment(cluster, pod, "_".join(keys).upper()).get("_".join(keys).upper()):
        return found
    for text in files(cluster, pod):
        value: Any = _parsed(text)
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, str | int) and value:
            return str(value)
    return ""


def environment(cluster: Cluster, pod: Object, *secret: str) -> Mapping[str, str]:
    """Return a pod's environment as far as it is known.

    Of variables that come from a Secret, only those named in ``secret`` are read.
    """
    found: dict[str, str] = {}
    for container in pod["spec"]["containers"]:
        for source in container.get("envFrom") or ():
            name = (source.get("configMapRef") or {}).get("name", "")
            data = _data(cluster, name, pod)
            found |= {source.get("prefix", "") + key: value for key, value in data.items()}
        for variable in container.get("env") or ():
            name, origin = variable["name"], variable.get("valueFrom") or {}
            if "configMapKeyRef" in origin:
                where = origin["configMapKeyRef"]
                found[name] = _data(cluster, where["name"], pod).get(where["key"], "")
            elif "secretKeyRef" in origin and name in secret:
                where = origin["secretKeyRef"]
                texts = cluster.secret(namespace_of(pod), where["name"])
                found[name] = texts.get(where["key"], "")
            elif "value" in variable:
                found[name] = variable["value"]
    return found


def mounted(pod: Object) -> Iterator[str]:
    """Yield the names of the ConfigMaps that a pod has as files."""
    for volume in pod["spec"].get("volumes") or ():
        sources = (volume.get("projected") or {}).get("sources") or ()
        for source in (volume, *sources):
            if name := (source.get("configMap") or {}).get("name"):
                yield name


def files(cluster: Cluster, pod: Object) -> Iterator[str]:
    """Yield the texts of the files that a pod has from ConfigMaps."""
    for name in mounted(pod):
        yield from _data(cluster, name, pod).values()


def mentions(cluster: Cluster, pod: Object, name: str) -> bool:
    """Whether a pod is set up to ask a host, by its environment, arguments or files."""
    texts = [*environment(cluster, pod).values(), *words_of(pod), *files(cluster, pod)]
    host = re.compile(rf"//{re.escape(name)}(?![A-Za-z0-9-])")
    return any(host.search(text) for text in texts)


def _data(cluster: Cluster, name: str, pod: Object) -> Mapping[str, str]:
    found = cluster.find("ConfigMap", name, namespace_of(pod))
    return (found or {}).get("data") or {}


@functools.cache
def _parsed(text: str) -> Any:  # noqa: ANN401 - YAML
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None
