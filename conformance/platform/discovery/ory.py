"""Hydra and Kratos: by the images that pods run and the ports they listen at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conformance.kube.objects import Object, Objects
from conformance.platform.discovery.cluster import Cluster, namespace_of
from conformance.platform.discovery.findings import Findings
from conformance.platform.discovery.pods import (
    images_of,
    ports_of,
    running,
    service_to,
    workload_of,
)
from conformance.platform.discovery.settings import setting


@dataclass(frozen=True)
class Software:
    """A program with a public and an admin API, and their usual ports.

    https://www.ory.sh/docs/hydra/self-hosted/configure-deploy, .../kratos/guides/production
    """

    name: str
    public: int
    admin: int


HYDRA = Software("hydra", 4444, 4445)
KRATOS = Software("kratos", 4433, 4434)


@dataclass(frozen=True)
class Instance:
    """A pod that serves both APIs."""

    pod: Object
    public: int
    admin: int
    how: str


def instance_of(cluster: Cluster, software: Software) -> Instance | None:
    """Return a pod of a software whose admin API a Service leads to; None: there is none."""
    found = [_instance(cluster, software, pod) for pod in _candidates(cluster, software)]
    served = [one for one in found if service_to(cluster, one.pod, one.admin)]
    return next(iter(served or found), None)


def find_ory(cluster: Cluster, software: Software, findings: Findings) -> None:
    """Find the Services and the pods of a software."""
    key = f"single_sign_on.{software.name}"
    instance = instance_of(cluster, software)
    if instance is None:
        findings.miss(key, no_pod(software))
        return
    admin = service_to(cluster, instance.pod, instance.admin)
    _put(findings, f"{key}.admin", admin, instance, instance.admin)
    if software is HYDRA:
        public = service_to(cluster, instance.pod, instance.public)
        _put(findings, f"{key}.public", public, instance, instance.public)
    find_workload(cluster, findings, f"{key}.workload", instance.pod, instance.how)
    release = findings.value(f"{key}.workload.release")
    if release is None:
        findings.miss(f"{key}.workload.release", "no HelmRelease made the controller of the pods")
    elif findings.value(f"{key}.workload.override") is None:
        why = f"HelmRelease {release['name']} has no optional ConfigMap in valuesFrom"
        findings.miss(f"{key}.workload.override", why)


def find_workload(cluster: Cluster, findings: Findings, key: str, pod: Object, how: str) -> None:
    """Note the workload of a pod, each of its keys with how it was found."""
    found = workload_of(cluster, pod)
    if found is None:
        findings.miss(key, "no Deployment, StatefulSet or DaemonSet has the pod")
        return
    ways = {
        "namespace": how,
        "labels": "the selector of the controller of these pods",
        "release": "the HelmRelease that made the controller, by its labels",
        "override": "the last optional ConfigMap in valuesFrom of the HelmRelease",
    }
    for name, value in found.items():
        findings.put(f"{key}.{name}", value, ways[name])


def no_pod(software: Software) -> str:
    """Return why a software was not found."""
    return (
        f"no pod runs an image called {software.name}, "
        f"nor listens at {software.public} and {software.admin}"
    )


def _candidates(cluster: Cluster, software: Software) -> Objects:
    both = {software.public, software.admin}
    by_ports = [pod for pod in cluster.pods() if both <= ports_of(pod).keys()]
    return [*running(cluster, software.name), *by_ports]


def _instance(cluster: Cluster, software: Software, pod: Object) -> Instance:
    public = _port(cluster, pod, "public", software.public)
    admin = _port(cluster, pod, "admin", software.admin)
    how = f"pods listen at {public} and {admin}"
    if software.name in images_of(pod):
        how = f"pods run an image called {software.name}"
    return Instance(pod, public, admin, how)


def _port(cluster: Cluster, pod: Object, api: str, usual: int) -> int:
    """Return the port of an API: as its settings say, else the usual one, else one so named."""
    if (said := setting(cluster, pod, "serve", api, "port")).isdigit():
        return int(said)
    named = [number for number, name in ports_of(pod).items() if api in name]
    return usual if usual in ports_of(pod) or not named else named[0]


def _put(
    findings: Findings, key: str, service: dict[str, Any] | None, instance: Instance, port: int
) -> None:
    if service is None:
        where = namespace_of(instance.pod)
        findings.miss(key, f"no Service in {where} leads to port {port} of these pods")
    else:
        how = f"the Service that leads to port {port}: {instance.how}"
        findings.put(key, service, how)
