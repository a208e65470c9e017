"""The registry on a node: what it stands in for, and how the cluster advertises it."""

from __future__ import annotations

import string
from typing import Any

import yaml

from conformance.clusters.node import REGISTRY_PORT
from conformance.kube.objects import Object

IMAGE_REGISTRIES = (
    "docker.io",
    "registry.k8s.io",
    "ghcr.io",
    "quay.io",
    "gcr.io",
    "registry.gitlab.com",
    "code.forgejo.org",
    "codeberg.org",
    "public.ecr.aws",
    "mcr.microsoft.com",
    "open.greenhost.net",
    "open.greenhost.net:4567",
)
"""Where charts' images are named to be. containerd's _default has no variable for the name of the
registry asked for, so each that the local one stands in for is listed."""
REGISTRY_FOLDER = "/var/lib/registry"
"""Of the node: where its registry keeps what it has."""
_HOSTS = string.Template("""\
server = "http://127.0.0.1:$port/v2/$registry"
override_path = true
capabilities = ["pull", "resolve"]
""")
_HOSTS_AND_UPSTREAM = string.Template("""\
[host."http://127.0.0.1:$port/v2/$registry"]
  capabilities = ["pull", "resolve"]
  override_path = true
""")
"""Without a server, containerd's is the registry itself.

https://github.com/containerd/containerd/blob/main/docs/hosts.md#server-field
"""


def registry_files(*, with_upstream: bool = False) -> dict[str, str]:
    """Return the files in /etc (path: content) of the node's registry, and of its mirroring.

    With upstream, an image that the node's registry does not have comes from where its name says.
    """
    form = _HOSTS_AND_UPSTREAM if with_upstream else _HOSTS
    hosts = {
        f"containerd/certs.d/{registry}/hosts.toml": form.substitute(
            registry=registry, port=REGISTRY_PORT
        )
        for registry in IMAGE_REGISTRIES
    }
    return {"registry/config.yml": yaml.safe_dump(_registry(), sort_keys=False), **hosts}


def registry_hint(host: str) -> Object:
    """Return the ConfigMap by which a cluster tells of its registry (KEP-1755)."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "local-registry-hosting", "namespace": "kube-public"},
        "data": {"localRegistryHosting.v1": f'host: "{host}"\n'},
    }


def _registry() -> dict[str, Any]:
    return {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": REGISTRY_FOLDER},
            "delete": {"enabled": True},
        },
        "http": {"addr": f":{REGISTRY_PORT}", "secret": "one-server"},
    }
