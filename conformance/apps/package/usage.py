"""What an app takes of the node: memory, and the size of its images."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from conformance.kube.describe import event_line
from conformance.kube.errors import ApiError
from conformance.kube.objects import Object, Objects

if TYPE_CHECKING:
    from conformance.kube.client import Kube

_PEAK = "container_memory_max_usage_bytes"
"""The kubelet's metric, of cAdvisor."""
_SAMPLE = re.compile(rf"^{_PEAK}\{{(?P<labels>[^}}]*)\}} (?P<value>[0-9.e+]+)", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def memory_peaks(kube: Kube, pods: Objects) -> dict[str, float]:
    """Return the most memory that each running container has taken, in MiB, by POD/CONTAINER.

    Page cache counts as well. None are returned if the kubelet does not tell.
    """
    wanted = {(pod["metadata"]["namespace"], pod["metadata"]["name"]) for pod in pods}
    found: dict[str, float] = {}
    for node in {pod["spec"].get("nodeName") for pod in pods} - {None}:
        try:
            answer = kube.transport.request("GET", f"/api/v1/nodes/{node}/proxy/metrics/cadvisor")
        except ApiError:
            continue
        for sample in _SAMPLE.finditer(answer.decode(errors="replace")):
            labels = dict(_LABEL.findall(sample["labels"]))
            where = (labels.get("namespace"), labels.get("pod"))
            if where in wanted and labels.get("container"):
                name = f"{labels['pod']}/{labels['container']}"
                found[name] = float(sample["value"]) / 1024**2
    return found


def image_sizes(kube: Kube, pods: Objects) -> dict[str, float]:
    """Return the bytes that each image of the pods takes on its node, packed, in MiB."""
    used = {container["image"] for pod in pods for container in pod["spec"]["containers"]}
    return {
        name: image["sizeBytes"] / 1024**2
        for node in kube.list("v1", "Node")
        for image in node["status"].get("images") or ()
        for name in image.get("names") or ()
        if name in used
    }


def warnings_about(kube: Kube, items: Iterable[Object]) -> list[str]:
    """Return the Warning events about objects, a line each."""
    wanted = {
        (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in items
    }
    return [
        event_line(event)
        for namespace in sorted({str(where) for _, where, _ in wanted if where})
        for event in kube.list("v1", "Event", namespace, fields="type=Warning")
        if (
            event["involvedObject"].get("kind"),
            namespace,
            event["involvedObject"].get("name"),
        )
        in wanted
    ]
