"""A cluster of the user's: a kubeconfig and a context. Nothing is brought up or taken away.

In a pod of that cluster its ServiceAccount takes the place of a kubeconfig, as with kubectl.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
import yaml

from conformance.clusters import service_account
from conformance.clusters.base import Cluster
from conformance.common.errors import HarnessError
from conformance.common.run_folder import run_folder
from conformance.kube.client import Kube
from conformance.linter.reading.documents import parse
from conformance.linter.reading.tree import decode

if TYPE_CHECKING:
    from conformance.common.settings import Settings

ANSWER_SECONDS = 5.0
"""For the first request: a tunnel or a sleeping laptop's cluster may take a moment."""
_LISTS = ("clusters", "contexts", "users")
_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


class ExistingCluster(Cluster):
    """Any conformant cluster.

    Its registry is the one that ConfigMap kube-public/local-registry-hosting (KEP-1755) names, if
    that answers us.
    """

    provider = "existing"

    def __init__(self, settings: Settings) -> None:
        self._given = settings.kubeconfig or _default_kubeconfig()
        without_file = settings.kubeconfig is None and not self._given.is_file()
        own = service_account.kubeconfig() if without_file else None
        self._in_pod = own is not None
        self._config = own or _read(self._given)
        self._context = settings.context or str(self._config.get("current-context") or "")
        self._copies = settings.cache_dir / "kubeconfigs"
        self._node_address = settings.node_address
        self._registry: str | None = None
        self._kubeconfig = self._given
        self._undo = contextlib.ExitStack()
        self.name = self._context or str(self._given)

    @property
    def kubeconfig(self) -> Path:
        """A copy of the user's file, with the chosen context as its current one."""
        return self._kubeconfig

    @property
    def source(self) -> str:
        """The user's own file and context, or what is in its place: for errors."""
        if self._in_pod:
            return "this pod"
        return f"{self._given} (context {self._context})" if self._context else str(self._given)

    @property
    def node_address(self) -> str:
        """As told, else the first node's InternalIP."""
        if self._node_address is None:
            raise HarnessError(
                f"cluster {self.name} gives no address of a node", "give one: --node-address=IP"
            )
        return self._node_address

    @property
    def registry(self) -> str | None:
        """The registry that the cluster tells of."""
        return self._registry

    def start(self) -> None:
        """See that the cluster answers. Raises ``HarnessError``, naming server and error."""
        self._kubeconfig = self.copy_kubeconfig()
        kube = Kube(self._kubeconfig, source=self.source)
        try:
            kube.transport.request("GET", "/version", timeout=ANSWER_SECONDS)
            if self._node_address is None:
                self._node_address = _address_of_first_node(kube)
            self._registry = _registry_of(kube, in_pod=self._in_pod)
        finally:
            kube.close()

    def node_run(
        self,
        argv: Sequence[str],  # noqa: ARG002
        *,
        stdin: bytes | None = None,  # noqa: ARG002
        timeout: float = 60.0,  # noqa: ARG002
    ) -> subprocess.CompletedProcess[bytes]:
        """Not possible; see ``features``."""
        raise self._cannot("run a command on its node")

    def kill_node(self) -> None:
        """Not possible; see ``features``."""
        raise self._cannot("kill its node")

    def restart_node(self) -> None:
        """Not possible; see ``features``."""
        raise self._cannot("restart its node")

    def export_logs(self, folder: Path) -> None:
        """Nothing: the node's own logs are out of reach."""

    def delete(self) -> None:
        """Leave the cluster alone; remove our copy of its kubeconfig."""
        self._undo.close()

    def _cannot(self, what: str) -> HarnessError:
        return HarnessError(
            f"on an existing cluster the suite cannot {what}", "use --cluster=embedded for that"
        )

    def copy_kubeconfig(self) -> Path:
        """Copy the kubeconfig to a folder of this run's, its relative paths made absolute.

        The client writes keys beside it, and so must be free to. ``delete`` removes the copy.
        Raises ``HarnessError`` if it has no such context.
        """
        contexts = [item["name"] for item in self._config.get("contexts") or []]
        if self._context and self._context not in contexts:
            raise HarnessError(
                f"{self._given} has no context {self._context!r}, but {', '.join(contexts)}",
                "choose one of these with --context",
            )
        entries = [
            *(item.get("cluster") for item in self._config.get("clusters") or []),
            *(item.get("user") for item in self._config.get("users") or []),
        ]
        for entry in filter(None, entries):
            for key in _FILES:
                if key in entry:
                    entry[key] = str(self._given.parent.absolute() / entry[key])
        path = self._undo.enter_context(run_folder(self._copies)) / "kubeconfig"
        path.touch(mode=0o600)
        config = {**self._config, "current-context": self._context}
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path


def _default_kubeconfig() -> Path:
    """Return what kubectl would use; of a list in KUBECONFIG the first that there is."""
    for name in filter(None, os.environ.get("KUBECONFIG", "").split(os.pathsep)):
        if Path(name).is_file():
            return Path(name)
    return Path("~/.kube/config").expanduser()


def _read(path: Path) -> dict[str, Any]:
    """Return what a kubeconfig says, if its lists are such as a kubeconfig has.

    Read with limits, as an app's files are: PyYAML has an error of its own for each odd text.
    """
    try:
        text = decode(path.read_bytes())
    except OSError as error:
        raise HarnessError(
            f"cannot read the kubeconfig {path}: {error.strerror}",
            "give the kubeconfig of the cluster to test: --kubeconfig=FILE (or set KUBECONFIG)",
        ) from error
    documents, problems = parse(text or "", str(path))
    config = documents[0].value if documents else None
    if text is None:
        wrong = "it is not UTF-8 text"
    elif problems:
        wrong = f"line {problems[0].place.line}: {problems[0].message}"
    elif len(documents) > 1:
        wrong = "it has more than one document"
    elif not isinstance(config, dict) or "clusters" not in config:
        wrong = "it has no clusters"
    elif unlike := [key for key in _LISTS if not _is_named(config.get(key) or [], key[:-1])]:
        wrong = f"its {unlike[0]} are not a list of names, each with a {unlike[0][:-1]}"
    else:
        return config
    raise HarnessError(f"{path} is not a kubeconfig: {wrong}", "choose another file")


def _is_named(items: object, kind: str) -> bool:
    return isinstance(items, list) and all(
        isinstance(one, dict)
        and isinstance(one.get("name"), str)
        and isinstance(one.get(kind) or {}, dict)
        for one in items
    )


def _address_of_first_node(kube: Kube) -> str | None:
    for node in kube.list("v1", "Node"):
        for address in node["status"].get("addresses", []):
            if address["type"] == "InternalIP":
                return str(address["address"])
    return None


def _registry_of(kube: Kube, *, in_pod: bool) -> str | None:
    """Return the registry the cluster tells of, if it answers; a pod may need another name of it.

    https://github.com/kubernetes/enhancements/tree/master/keps/sig-cluster-lifecycle/generic/1755-communicating-a-local-registry
    """
    hint = kube.find("v1", "ConfigMap", "local-registry-hosting", "kube-public")
    if hint is None:
        return None
    hosting = yaml.safe_load(hint.get("data", {}).get("localRegistryHosting.v1", "")) or {}
    host = (hosting.get("hostFromClusterNetwork") if in_pod else None) or hosting.get("host")
    with contextlib.suppress(requests.RequestException):
        if host and requests.get(f"http://{host}/v2/", timeout=3).ok:
            return str(host)
    return None
