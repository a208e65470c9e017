"""Whether Kubernetes takes an app's pods, and what they need is there for them to start."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, mapping, sequence, text
from conformance.linter.facts.cluster import Cluster, each, similar
from conformance.linter.facts.confinement import refused
from conformance.linter.facts.needs import Answer, Need, State, look_up, needs_of, origin
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage

_PORT_NAME = re.compile(r"(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")
"""An IANA service name: https://www.rfc-editor.org/rfc/rfc6335#section-5.1"""
_SELECTING = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


@rule(
    "pods.mounts",
    "Every mount names a volume of its pod, and each folder has one volume",
    level=2,
    why="Kubernetes refuses such a pod: the app is not installed, or the upgrade fails.",
    source="https://kubernetes.io/docs/concepts/storage/volumes/#background",
    fix="Correct the mount's name, add the volume, or remove the second mount at the same path.",
    example="""
volumeMounts:
  - name: data
    mountPath: /var/lib/notes
volumes:
  - name: data
""",
)
def mounts(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each mount that cannot be."""
    yield from each(app, _wrong_mounts)


def _wrong_mounts(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        volumes = {text(get(one, "name")) for one in sequence(pod.get("spec", "volumes"))}
        volumes |= set(pod.claims)
        for container in pod.containers:
            seen: set[str] = set()
            for index, mount in enumerate(sequence(container.value.get("volumeMounts"))):
                name, path = text(get(mount, "name")), text(get(mount, "mountPath"))
                if name and name not in volumes:
                    yield Problem(
                        container.place("volumeMounts", index, "name"),
                        f"container {container.name} mounts {quoted(name)}, which is not a volume "
                        "of the pod",
                    )
                elif path and path in seen:
                    yield Problem(
                        container.place("volumeMounts", index, "mountPath"),
                        f"container {container.name} mounts two volumes at {quoted(path)}",
                    )
                seen.add(path)


@rule(
    "pods.names",
    "Containers, volumes and ports of a pod have unique, valid names",
    level=2,
    why="Kubernetes refuses a pod if two of these have the same name or a port's name is longer "
    "than 15 characters: the app is not installed, or the upgrade fails.",
    source="https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/",
    fix="Give each its own name; a port's name has up to 15 lower-case letters, digits and "
    "hyphens.",
    example="""
ports:
  - name: http
  - name: metrics
""",
)
def names(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each name that is taken, and each port name that is none."""
    yield from each(app, _wrong_names)


def _wrong_names(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        containers = [(one.name, (*one.path, "name")) for one in pod.containers]
        volumes = [
            (text(get(one, "name")), ("spec", "volumes", index, "name"))
            for index, one in enumerate(sequence(pod.get("spec", "volumes")))
        ]
        for what, named in (("containers", containers), ("volumes", volumes)):
            counted = Counter(name for name, _ in named if name)
            last = {name: path for name, path in named if counted[name] > 1}
            for name, path in last.items():
                yield Problem(
                    pod.place(*path), f"{counted[name]} {what} of the pod are named {quoted(name)}"
                )
        for container in pod.containers:
            seen: set[str] = set()
            for index, port in enumerate(sequence(container.value.get("ports"))):
                name = text(get(port, "name"))
                if name and (name in seen or not _PORT_NAME.fullmatch(name[:100])):
                    why = "is taken" if name in seen else "is not valid in Kubernetes"
                    yield Problem(
                        container.place("ports", index, "name"),
                        f"port name {quoted(name)} of container {container.name} {why}",
                    )
                seen.add(name)


@rule(
    "pods.selector",
    "A workload selects its own pods",
    level=2,
    why="Kubernetes refuses a Deployment, StatefulSet or DaemonSet whose selector its own pods do "
    "not match.",
    source="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#selector",
    fix="Give the pod template every label of spec.selector.matchLabels.",
    example="""
selector:
  matchLabels:
    app.kubernetes.io/name: notes
template:
  metadata:
    labels:
      app.kubernetes.io/name: notes
""",
)
def selector(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each selector that its pods do not match."""
    yield from each(app, _wrong_selectors)


def _wrong_selectors(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        wanted = mapping(pod.workload.get("spec", "selector", "matchLabels"))
        if pod.workload.kind not in _SELECTING:
            continue
        for key, value in wanted.items():
            if key not in pod.labels or pod.labels[key] != value:
                yield Problem(
                    pod.workload.place("spec", "selector", "matchLabels", key),
                    f"{pod.workload.kind} {pod.workload.name} selects pods by the label "
                    f"{key}={quoted(value)}, which those it makes do not have",
                )


@rule(
    "pods.references",
    "Every Secret, ConfigMap and ServiceAccount that a pod needs exists",
    level=2,
    why="A pod whose Secret or ConfigMap is missing waits for it forever; without its "
    "ServiceAccount it is not even created.",
    source="https://kubernetes.io/docs/concepts/configuration/secret/#restriction-secret-must-exist",
    fix="Correct the name, add the object to the package, or mark the reference optional: true.",
    example="""
env:
  - name: NOTES_SECRET_KEY
    valueFrom:
      secretKeyRef: {name: notes-secrets, key: secret-key}
""",
)
def needed(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each object that a pod needs and nothing makes."""
    yield from each(app, _unmade)


def _unmade(cluster: Cluster) -> Iterator[Problem | NotRun]:
    for need, answer in _needs(cluster):
        if answer.state is State.UNKNOWN:
            yield NotRun(f"nothing in PATH creates {str(need)[:200]}")
        elif answer.state is State.NOWHERE:
            place = need.pod.place(*need.path)
            yield Problem(
                origin(cluster, need.pod.workload, need.name, place),
                f"{need.by} needs {need.kind} {quoted(need.name)}, which nothing creates"
                f"{answer.hint}",
            )


@rule(
    "pods.reference-keys",
    "The Secrets and ConfigMaps that a pod needs have the keys that it reads",
    level=2,
    why="If the Secret or ConfigMap lacks the key, the container never starts "
    "(CreateContainerConfigError, or a volume that cannot be mounted).",
    source="https://kubernetes.io/docs/concepts/configuration/secret/",
    fix="Correct the key, or add it to the object.",
    example="""
secretKeyRef:
  name: notes-secrets
  key: secret-key # as under data of the Secret
""",
)
def needed_keys(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each key that a pod reads and its object does not have."""
    yield from each(app, _lost_keys)


def _lost_keys(cluster: Cluster) -> Iterator[Problem]:
    for need, answer in _needs(cluster):
        for key, path in need.keys.items():
            if answer.keys is not None and key not in answer.keys:
                near = similar(key, answer.keys)
                if cluster.bare and not near:
                    continue  # values may add it
                yield Problem(
                    need.pod.place(*path),
                    f"{need.by} reads key {quoted(key)} of {need}, which has no such key"
                    f"{f'; did you mean {near}?' if near else ''}",
                )


def _needs(cluster: Cluster) -> Iterator[tuple[Need, Answer]]:
    """Yield each reference of a pod, and what is known of the object."""
    for pod in cluster.judged:
        workload = pod.workload
        for one in needs_of(pod):
            yield one, look_up(cluster, one.kind, one.name, workload.namespace, workload)


@rule(
    "pods.root-refused",
    "A container that must not be root does not run as root",
    level=2,
    why="Kubernetes does not start a container with runAsNonRoot: true and runAsUser: 0.",
    source="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
    fix="Set runAsUser to the id of the user that the image is made for.",
    example="""
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
""",
)
def root_refused(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each container that is told both."""
    yield from each(app, _refused)


def _refused(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        for container in pod.containers:
            path = refused(container)
            if path is not None:
                yield Problem(
                    pod.place(*path),
                    f"container {container.name} is to run as root (runAsUser: 0) but must not "
                    "(runAsNonRoot: true): it never starts",
                )
