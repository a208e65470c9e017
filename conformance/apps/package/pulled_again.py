"""Images whose tag has moved since a node pulled them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from conformance.kube.apply import apply
from conformance.kube.conditions import matching
from conformance.kube.objects import Object, Selection
from conformance.kube.wait import wait_each

if TYPE_CHECKING:
    from conformance.kube.client import Kube

_NAME = "pulled-again"
_NO_PROGRAM = "/none-of-the-image"
"""The image is to be pulled, none of its programs to run."""
_PULLING = ("", "ContainerCreating", "ErrImagePull", "ImagePullBackOff", "PodInitializing")


def pull_again(kube: Kube, images: Sequence[str], namespace: str) -> None:
    """Have each node pull these images, whatever it has under their names.

    A node that has an image by a tag does not ask the registry for it again, unless a pod says
    so (https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy). ``namespace`` is
    for such pods. Raises ``WaitTimeout``.
    """
    containers = [
        {
            "name": f"image-{number}",
            "image": image,
            "imagePullPolicy": "Always",
            "command": [_NO_PROGRAM],
        }
        for number, image in enumerate(images)
    ]
    labels = {"app.kubernetes.io/name": _NAME}
    nodes = [one["metadata"]["name"] for one in kube.list("v1", "Node")]
    for number, node in enumerate(nodes):
        apply(
            kube,
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"{_NAME}-{number}", "labels": labels},
                "spec": {
                    "nodeName": node,
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": False,
                    "containers": containers,
                },
            },
            namespace=namespace,
        )
    pods = Selection("v1", "Pod", namespace, f"app.kubernetes.io/name={_NAME}")
    wait_each(kube, pods, matching("with its images pulled", _pulled), minimum=len(nodes))


def _pulled(pod: Object) -> bool:
    statuses = pod["status"].get("containerStatuses") or ()
    waiting = [one["state"].get("waiting") for one in statuses]
    return bool(waiting) and not any(
        one is not None and one.get("reason", "") in _PULLING for one in waiting
    )
