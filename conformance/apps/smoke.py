"""The tests of a reference app's image: what must hold before it is tagged for release."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from conformance.apps.running import RunningImage
from conformance.kube.apply import apply
from conformance.kube.conditions import ready
from conformance.kube.objects import Ref
from conformance.kube.wait import wait

if TYPE_CHECKING:
    from conformance.apps.images import BuiltImage, ImageTest
    from conformance.kube.client import Kube


def exposed_port(configuration: dict[str, Any]) -> int:
    """Return the one TCP port that an image's configuration exposes.

    Raises AssertionError when it names none or several.
    """
    ports = list(configuration["config"].get("ExposedPorts", ()))
    if len(ports) != 1:
        raise AssertionError(f"the image exposes {ports or 'no port'}, expected exactly one")
    return int(ports[0].partition("/")[0])


def pod_of(image: str, port: int, name: str, namespace: str) -> dict[str, Any]:
    """Return a pod that runs an image with no configuration at all, Ready when the app says so."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "enableServiceLinks": False,
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "restartPolicy": "Never",
            "containers": [
                {
                    "name": "app",
                    "image": image,
                    "readinessProbe": {
                        "httpGet": {"path": "/health/ready", "port": port},
                        "periodSeconds": 1,
                    },
                }
            ],
        },
    }


def smoke_tests(
    kube: Kube, namespace: Callable[[], str], image: BuiltImage
) -> dict[str, ImageTest]:
    """Return the tests of one version of an app, each run in a pod of ``namespace()``."""

    def answers_as_its_version(reference: str) -> None:
        port = exposed_port(image.configuration())
        name = f"smoke-{image.version.replace('.', '-')}-{image.digest[-6:]}"
        apply(kube, pod_of(reference, port, name, namespace()))
        pod = wait(kube, Ref("v1", "Pod", name, namespace()), ready())
        try:
            answer = RunningImage(kube, pod).get(port, "/version").json()
        finally:
            kube.delete("v1", "Pod", name, namespace(), grace_seconds=0)
        if answer["app"] != image.version:
            raise AssertionError(f"{image.version} answers as version {answer['app']}")

    return {"answers as its version": answers_as_its_version}
