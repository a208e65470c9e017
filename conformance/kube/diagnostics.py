"""What a failed check leaves for its reader: objects, events, logs and what is not right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from conformance.common.errors import HarnessError
from conformance.common.redaction import Redactor
from conformance.kube.client import Kube
from conformance.kube.describe import container_lines, event_line, event_time, problem, title
from conformance.kube.discovery import Resource
from conformance.kube.errors import ApiError
from conformance.kube.explain import learn_secrets
from conformance.kube.objects import Objects

T = TypeVar("T")
_LEFT_OUT = frozenset({"Event", "Endpoints", "Lease", "ControllerRevision", "PodMetrics"})
"""Events have a file of their own; the others repeat what is elsewhere or tell nothing."""
_CLUSTER = frozenset({"Node", "PersistentVolume", "Namespace", "StorageClass"})
_LOG_LINES = 5000
_THREADS = 8
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""libyaml where there is one: ten times as fast."""


@dataclass
class _Collection:
    """One call of ``collect``: where it writes, and what it could not read."""

    kube: Kube
    directory: Path
    redactor: Redactor
    executor: ThreadPoolExecutor
    files: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def attempt(self, what: str, read: Callable[[], T]) -> T | None:
        """Return what ``read`` does; note an error and go on without."""
        try:
            return read()
        except (ApiError, HarnessError) as error:
            self.missing.append(f"{what}: {error}")
            return None

    def write(self, name: str, text: str) -> None:
        """Write a file whose text is free of secrets already."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="replace")
        self.files.append(path)


def collect(
    kube: Kube, namespaces: Sequence[str], directory: Path, redactor: Redactor | None = None
) -> list[Path]:
    """Write what there is in the namespaces below ``directory`` and return the files.

    ``summary.txt`` (what is not right, first), and for each namespace ``NAMESPACE/objects.yaml``,
    ``events.txt``, ``logs/POD-CONTAINER[-previous].log``; ``cluster/objects.yaml`` has nodes and
    volumes. Secrets are masked. Never raises for the cluster's sake: what could not be read is
    listed at the end of the summary.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_THREADS, "diagnostics") as executor:
        run = _Collection(kube, directory, redactor or kube.redactor, executor)
        run.attempt("Secrets, to hide them", lambda: learn_secrets(kube, run.redactor))
        kinds = _kinds(run)
        found = {"": _objects(run, "", [kind for kind in kinds if kind.kind in _CLUSTER])}
        inside = [kind for kind in kinds if kind.namespaced and kind.kind not in _LEFT_OUT]
        for namespace in namespaces if kinds else ():
            found[namespace] = _objects(run, namespace, inside)
            _events(run, namespace)
            _logs(run, namespace, [one for one in found[namespace] if one["kind"] == "Pod"])
        _summary(run, found)
    return sorted(run.files)


def _kinds(run: _Collection) -> list[Resource]:
    """Return every kind that can be listed, each in its group's preferred version."""
    discovery = run.kube.discovery

    def served(version: str) -> list[Resource]:
        return run.attempt(f"kinds of {version}", lambda: discovery.served(version)) or []

    versions = run.attempt("the list of kinds", discovery.group_versions) or []
    kinds = [kind for kinds in run.executor.map(served, versions) for kind in kinds]
    return [kind for kind in kinds if "list" in kind.verbs]


def _objects(run: _Collection, namespace: str, kinds: Iterable[Resource]) -> Objects:
    def read(kind: Resource) -> Objects:
        what = f"{kind.kind} ({kind.api_version}) in {namespace or 'the cluster'}"
        return (
            run.attempt(what, lambda: run.kube.list(kind.api_version, kind.kind, namespace or None))
            or []
        )

    objects = [item for items in run.executor.map(read, kinds) for item in items]
    for item in objects:
        item["metadata"].pop("managedFields", None)
    if objects:
        clean = run.redactor.redact_object(objects)
        text = yaml.dump_all(clean, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)
        run.write(f"{namespace or 'cluster'}/objects.yaml", text)
    return objects


def _events(run: _Collection, namespace: str) -> None:
    events = run.attempt(f"events in {namespace}", lambda: run.kube.list("v1", "Event", namespace))
    if events:
        lines = [event_line(event) for event in sorted(events, key=event_time)]
        run.write(f"{namespace}/events.txt", run.redactor.redact("\n".join(lines) + "\n"))


def _logs(run: _Collection, namespace: str, pods: Objects) -> None:
    wanted = []
    for pod in pods:
        status = pod.get("status") or {}
        for group in ("initContainerStatuses", "containerStatuses"):
            for container in status.get(group) or ():
                state = container.get("state") or {}
                if "running" in state or "terminated" in state:
                    wanted.append((pod["metadata"]["name"], container["name"], False))
                if container.get("restartCount"):
                    wanted.append((pod["metadata"]["name"], container["name"], True))

    def save(which: tuple[str, str, bool]) -> None:
        pod, container, previous = which
        suffix = "-previous" if previous else ""
        text = run.attempt(
            f"log of {pod} {container}{suffix}",
            lambda: run.kube.logs(namespace, pod, container, _LOG_LINES, previous),
        )
        if text is not None:
            name = f"{namespace}/logs/{pod}-{container}{suffix}.log"
            run.write(name, run.redactor.redact(text))

    list(run.executor.map(save, wanted))


def _summary(run: _Collection, found: dict[str, Objects]) -> None:
    lines: list[str] = []
    for namespace, objects in found.items():
        wrong = [(item, text) for item in objects if (text := problem(item))]
        where = f"namespace {namespace}" if namespace else "cluster"
        lines.append(f"{where}: {len(objects)} objects, {len(wrong)} not as they should be")
        lines += [f"  {title(item)}: {text}" for item, text in wrong]
        pods = [item for item in objects if item["kind"] == "Pod"]
        if pods:
            lines.append("  pods:")
        for pod in pods:
            lines.append(f"    {pod['metadata']['name']}: {pod.get('status', {}).get('phase')}")
            lines += [f"      {line}" for line in container_lines(pod)]
        lines.append("")
    if run.missing:
        lines.append("not collected:")
        lines += [f"  {line}" for line in sorted(run.missing)]
    run.write("summary.txt", run.redactor.redact("\n".join(lines) + "\n"))
