"""What users and operators can see of a deployed app."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from conformance.kube.conditions import Condition, matching

if TYPE_CHECKING:
    from conformance.apps.base import App, Instance
    from conformance.kube.client import Kube


def assert_deployed(kube: Kube, app: App, instance: Instance, image: str) -> None:
    """Assert what a user and an operator can see of a deployed app."""
    pod = instance.pod()
    containers = {container["name"]: container for container in pod["spec"]["containers"]}
    container = containers[instance.container]
    assert container["image"] == image
    assert [port["containerPort"] for port in container["ports"]] == [8080]
    assert {mount["name"] for mount in container["volumeMounts"]} >= {"config", "secrets"}
    for volume in app.volumes:
        holder = containers[instance.holding(volume).container]
        mounts = {mount["name"]: mount["mountPath"] for mount in holder["volumeMounts"]}
        assert mounts[volume.pod_volume] == volume.mount_path
    label = "app.kubernetes.io/instance"
    selector = f"{label}={pod['metadata']['labels'][label]}"
    [service] = kube.list("v1", "Service", instance.namespace, labels=selector)
    assert [port["port"] for port in service["spec"]["ports"]] == [80]
    answer = instance.session.get(f"{instance.base_url}/version")
    assert answer.status_code == requests.codes.ok, f"the app's URL answers {answer.status_code}"
    assert answer.json()["pod"] == pod["metadata"]["name"], "another pod answers"


def endpoint_is(ready: bool) -> Condition:
    """The app's only endpoint is ready for traffic, or is not."""
    return matching(
        f"with an endpoint that is {'' if ready else 'not '}ready",
        lambda item: [end["conditions"]["ready"] for end in item["endpoints"]] == [ready],
    )
