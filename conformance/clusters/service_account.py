"""The kubeconfig that a pod does not have: its own cluster, with the rights of its ServiceAccount.

https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where kubelet puts a pod's credentials."""
CONTEXT = "in-cluster"


def kubeconfig() -> dict[str, Any] | None:
    """Return a kubeconfig of the cluster that this process is a pod of; None: it is none."""
    host, port = (os.environ.get(f"KUBERNETES_SERVICE_{one}") for one in ("HOST", "PORT"))
    token = FOLDER / "token"
    if not host or not port or not token.is_file():
        return None
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    authority = str(FOLDER / "ca.crt")
    # kubelet writes a new token long before the old one ends: hence the file, not what is in it.
    user = {"tokenFile": str(token)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": CONTEXT, "cluster": {"server": server, "certificate-authority": authority}}
        ],
        "users": [{"name": CONTEXT, "user": user}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }


def namespace() -> str:
    """Return the namespace of the pod that this process is in; empty: it is in none."""
    file = FOLDER / "namespace"
    return file.read_text(encoding="utf-8").strip() if file.is_file() else ""
