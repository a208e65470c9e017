"""Pods told by what they run, listen at and are reached by; their names mean nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.kube.objects import Object, Objects, label_selector
from conformance.platform.discovery.cluster import (
    Cluster,
    annotations_of,
    labels_of,
    name_of,
    namespace_of,
)

_RELEASE = "helm.toolkit.fluxcd.io"
_HELM_RELEASE = "meta.helm.sh/release-name"


def image_name(image: str) -> str:
    """Return the last part of an image's name: ``hydra`` of ``docker.io/oryd/hydra:v2.3.0``."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def images_of(pod: Object) -> set[str]:
    """Return the image names of a pod's containers."""
    return {image_name(container["image"]) for container in pod["spec"]["containers"]}


def words_of(pod: Object) -> list[str]:
    """Return commands and arguments of a pod's containers."""
    return [
        word
        for container in pod["spec"]["containers"]
        for key in ("command", "args")
        for word in container.get(key) or ()
    ]


def ports_of(pod: Object) -> Mapping[int, str]:
    """Return the ports that a pod declares, and their names."""
    return {
        port["containerPort"]: port.get("name", "")
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or ()
    }


def running(cluster: Cluster, *images: str) -> Objects:
    """Return the pods that run one of these images, as ``image_name`` has them."""
    return [pod for pod in cluster.pods() if images_of(pod) & {*images}]


def target_of(port: Mapping[str, Any], pod: Object) -> int | None:
    """Return the number of a pod's port that a Service's leads to; None: the pod has none."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    return next((number for number, name in ports_of(pod).items() if name == target), None)


def service_to(cluster: Cluster, pod: Object, number: int) -> dict[str, Any] | None:
    """Return a Service that leads to a port of a pod, as a description has it.

    Of several the one with the fewest ports, as it is made for this one.
    """
    found = [
        (len(service["spec"]["ports"]), name_of(service), port["port"])
        for service in cluster.services(pod)
        for port in service["spec"].get("ports") or ()
        if target_of(port, pod) == number
    ]
    if not found:
        return None
    _, name, port = min(found)
    return {"namespace": namespace_of(pod), "name": name, "port": port}


def routes(cluster: Cluster) -> Iterator[tuple[str, str, Object]]:
    """Yield host, path and the Service of each rule of the Ingresses."""
    for ingress in cluster.all("Ingress"):
        for rule in ingress["spec"].get("rules") or ():
            for path in (rule.get("http") or {}).get("paths") or ():
                backend = path["backend"].get("service") or {}
                name, namespace = str(backend.get("name", "")), namespace_of(ingress)
                service = cluster.find("Service", name, namespace)
                if service and rule.get("host") and "*" not in rule["host"]:
                    yield rule["host"], path.get("path", "/"), service


def hosts_of(cluster: Cluster) -> list[str]:
    """Return the host of each rule of each Ingress."""
    return [
        rule["host"]
        for ingress in cluster.all("Ingress")
        for rule in ingress["spec"].get("rules") or ()
        if rule.get("host")
    ]


def labels_that_select(cluster: Cluster, pod: Object) -> str:
    """Return the labels of a pod by which its controller finds it; empty: it has none."""
    controller = cluster.controller(pod)
    wanted = controller["spec"]["selector"]["matchLabels"] if controller else {}
    return label_selector(dict(sorted(wanted.items())))


def workload_of(cluster: Cluster, pod: Object) -> dict[str, Any] | None:
    """Return the workload that a pod belongs to, as a description has it; None: it has no labels.

    With its HelmRelease and the ConfigMap that overrides its values, where it has them.
    """
    labels = labels_that_select(cluster, pod)
    if not labels:
        return None
    found: dict[str, Any] = {"namespace": namespace_of(pod), "labels": labels}
    if release := release_of(cluster, pod):
        found["release"] = {"namespace": namespace_of(release), "name": name_of(release)}
        if override := override_of(release):
            found["override"] = override
    return found


def release_of(cluster: Cluster, pod: Object) -> Object | None:
    """Return the HelmRelease that made the controller of a pod."""
    controller = cluster.controller(pod) or pod
    labels = labels_of(controller)
    name, namespace = labels.get(f"{_RELEASE}/name"), labels.get(f"{_RELEASE}/namespace")
    if name and (found := cluster.find("HelmRelease", name, namespace)):
        return found
    by_helm = annotations_of(controller).get(_HELM_RELEASE)
    return next(
        (
            item
            for item in cluster.all("HelmRelease")
            if by_helm and by_helm == _helm_name(item) and namespace_of(pod) == _target(item)
        ),
        None,
    )


def _helm_name(release: Object) -> str:
    """Return what Helm calls a HelmRelease's release."""
    spec = release["spec"]
    target = spec.get("targetNamespace")
    return str(spec.get("releaseName") or (f"{target}-" if target else "") + name_of(release))


def override_of(release: Object) -> str:
    """Return the ConfigMap that a HelmRelease takes values from if it is there; empty: none.

    Of several the last: it wins.
    """
    names = [
        str(entry["name"])
        for entry in release["spec"].get("valuesFrom") or ()
        if entry.get("kind") == "ConfigMap"
        and entry.get("optional")
        and entry.get("valuesKey", "values.yaml") == "values.yaml"
        and not entry.get("targetPath")
    ]
    return names[-1] if names else ""


def _target(release: Object) -> str:
    return str(release["spec"].get("targetNamespace") or namespace_of(release))
