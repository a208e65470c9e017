"""Velero, its location, and the object store behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from conformance.kube.objects import Object
from conformance.platform.discovery.cluster import Cluster, labels_of, name_of, namespace_of
from conformance.platform.discovery.findings import Findings
from conformance.platform.discovery.pods import labels_that_select, running, words_of

NODE_AGENT = "node-agent"
_OLD_NODE_AGENT = "restic"
"""What the node agent was called before Velero 1.10."""
CREDENTIALS = ("access_key", "secret_key")
_STORE = "backup.store"


def find_backup(cluster: Cluster, findings: Findings) -> None:
    """Find Velero by its BackupStorageLocation and by images and arguments of pods."""
    location = location_of(cluster)
    pods = running(cluster, "velero")
    if location is not None:
        findings.put("backup.namespace", namespace_of(location), "a BackupStorageLocation is in it")
    elif pods:
        findings.put("backup.namespace", namespace_of(pods[0]), "pods run Velero in it")
    else:
        findings.miss("backup.namespace", "no BackupStorageLocation, and no pod runs Velero")
    if location is None:
        findings.miss("backup.location", "there is no BackupStorageLocation")
    else:
        default = location["spec"].get("default")
        how = "the default BackupStorageLocation" if default else "the first BackupStorageLocation"
        findings.put("backup.location", name_of(location), how)
    agents = [pod for pod in pods if is_node_agent(pod)]
    servers = [pod for pod in pods if not is_node_agent(pod) and "server" in words_of(pod)]
    for key, which, what in (
        ("server", servers, "velero server"),
        ("node_agent", agents, "velero node-agent server"),
    ):
        if which and (labels := labels_of_only(cluster, which[0])):
            findings.put(f"backup.{key}", labels, f"the selector of the pods that run {what}")
        else:
            findings.miss(f"backup.{key}", f"no pod runs {what}")
    if location is None:
        findings.miss(_STORE, "there is no BackupStorageLocation")
    else:
        _find_store(cluster, location, findings)


def location_of(cluster: Cluster) -> Object | None:
    """Return the default BackupStorageLocation, else the first; None: there is none."""
    locations = sorted(
        cluster.all("BackupStorageLocation"),
        key=lambda one: (not one["spec"].get("default"), namespace_of(one), name_of(one)),
    )
    return locations[0] if locations else None


def is_node_agent(pod: Object) -> bool:
    """Whether a pod of Velero's copies volumes."""
    return bool({NODE_AGENT, _OLD_NODE_AGENT} & {*words_of(pod)})


def labels_of_only(cluster: Cluster, pod: Object) -> str:
    """Return labels that select a pod and no other software in its namespace; empty: none do.

    The chart of Velero gives the node agent the labels of the server, and one more: so the
    server is told by one that the node agent lacks.
    """
    labels = labels_that_select(cluster, pod)
    wanted = dict(part.split("=", 1) for part in labels.split(",") if part)
    others = [
        one
        for one in cluster.selected(wanted, namespace_of(pod))
        if is_node_agent(one) != is_node_agent(pod)
    ]
    if not others:
        return labels
    for key, value in sorted(labels_of(pod).items()):
        if "hash" not in key and all(labels_of(one).get(key) != value for one in others):
            return f"{labels},{key}={value}"
    return ""


def service_of(cluster: Cluster, url: str) -> tuple[Object, int] | None:
    """Return the Service and the port that a URL of the cluster's own names; None: it has none."""
    parts = urlsplit(url)
    name, _, rest = (parts.hostname or "").partition(".")
    service = cluster.find("Service", name, rest.partition(".")[0]) if rest else None
    outside = rest.partition(".")[2].removeprefix("svc")
    if service is None or outside not in ("", ".cluster.local"):
        return None
    return service, parts.port or (443 if parts.scheme == "https" else 80)


def _find_store(cluster: Cluster, location: Object, findings: Findings) -> None:
    url = str((location["spec"].get("config") or {}).get("s3Url", ""))
    found = service_of(cluster, url)
    if found is None:
        where = f"s3Url {url} is no Service of this cluster" if url else "it has no s3Url"
        findings.miss(_STORE, f"{where}: the suite cannot look into the bucket")
        return
    if url.startswith("https:"):
        findings.miss(_STORE, f"{url} wants TLS, which the suite does not speak to a store")
        return
    service, port = found
    namespace = namespace_of(service)
    selector = service["spec"].get("selector")
    pods = cluster.selected(selector, namespace) if selector else []
    deployment = cluster.controller(pods[0]) if pods else None
    credentials = credentials_of(cluster, pods[0]) if pods else ""
    if deployment is None or deployment["kind"] != "Deployment":
        findings.miss(_STORE, f"no Deployment is behind Service {namespace}/{name_of(service)}")
    elif not credentials:
        keys = " and ".join(CREDENTIALS)
        findings.miss(_STORE, f"its pods take no Secret with {keys} into their environment")
    else:
        values: Mapping[str, tuple[Any, str]] = {
            "service": (
                {"namespace": namespace, "name": name_of(service), "port": port},
                f"s3Url of BackupStorageLocation {name_of(location)} is {url}",
            ),
            "credentials": (
                {"namespace": namespace, "name": credentials},
                "the Secret in the environment of the pods of that Service",
            ),
            "bucket": (location["spec"]["objectStorage"]["bucket"], "of the same location"),
            "prefix": (prefix_of(location), "of the same location"),
            "deployment": (
                {"namespace": namespace, "name": name_of(deployment)},
                "selects the pods of that Service",
            ),
        }
        for key, (value, how) in values.items():
            if value:
                findings.put(f"{_STORE}.{key}", value, how)


def prefix_of(location: Object) -> str:
    """Return what the names of a location's objects begin with, without a slash at its end."""
    return str(location["spec"]["objectStorage"].get("prefix", "")).strip("/")


def credentials_of(cluster: Cluster, pod: Object) -> str:
    """Return the Secret with the keys to a store that a pod takes into its environment."""
    names = {
        origin["name"]
        for container in pod["spec"]["containers"]
        for variable in container.get("env") or ()
        if (origin := (variable.get("valueFrom") or {}).get("secretKeyRef"))
    }
    names |= {
        origin["name"]
        for container in pod["spec"]["containers"]
        for source in container.get("envFrom") or ()
        if (origin := source.get("secretRef"))
    }
    keyed = (
        name
        for name in sorted(names)
        if {*CREDENTIALS} <= cluster.secret(namespace_of(pod), name).keys()
    )
    return next(keyed, "")
