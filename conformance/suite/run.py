"""What the fixtures and the report of one run share."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pytest

from conformance.clusters.select import make_cluster
from conformance.common.redaction import Redactor
from conformance.common.settings import Settings
from conformance.components.builder import Components
from conformance.components.progress import make_progress
from conformance.kube.diagnostics import collect
from conformance.kube.explain import learn_secrets
from conformance.platform.namespaces import PLATFORM_NAMESPACES
from conformance.report.host import describe_host, suite_commit
from conformance.report.model import (
    ClusterInfo,
    Component,
    InstallationStep,
    RunReport,
    Substitute,
)
from conformance.report.recorder import Recorder
from conformance.report.sweep import SHORTEST, PlantedSecret, sweep

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster
    from conformance.kube.client import Kube
    from conformance.platform.reference import Stack
    from conformance.platform.secondary import SecondaryClusters
    from conformance.report.evidence import EvidenceBox

WORD = re.compile(r"[A-Za-z0-9][\w.-]{3,}")
NODE_LOG_BYTES = 200_000
"""How much of the end of each of the node's logs a report keeps."""
RUN: pytest.StashKey[Run] = pytest.StashKey()
"""Where pytest keeps the run; only set when there are checks to run."""


@dataclass
class Run:
    """One run: its settings, the report it writes, and what it has started so far."""

    settings: Settings
    recorder: Recorder
    redactor: Redactor
    twins: bool
    _terminal: TextIO
    """Standard error as it was before pytest began to capture it."""
    planted: PlantedSecret = field(default_factory=PlantedSecret)
    kube: Kube | None = None
    stack: Stack | None = None
    secondary: SecondaryClusters | None = None
    namespaces: dict[str, list[str]] = field(default_factory=dict)
    """Namespaces in use, by the node id of their owner: a check or a file of checks."""
    _components: Components | None = None
    _cluster: Cluster | None = None
    _kubernetes: dict[str, Any] = field(default_factory=dict)
    _node_logs_kept: bool = False

    @classmethod
    def begin(cls, settings: Settings, *, twins: bool, selection: list[str]) -> Run:
        """Start a run: from now on there is a report, whatever happens."""
        redactor = Redactor()
        report = RunReport(
            suite_version=metadata.version("stackspin-conformance"),
            suite_commit=suite_commit(),
            run_id=settings.run_id,
            mode="twins" if twins else "checks",
            state="running",
            started_at=(now := Recorder.now()),
            written_at=now,
            process=os.getpid(),
            seconds=0.0,
            command=[Path(sys.argv[0]).name, *sys.argv[1:]],
            selection=selection,
            host=describe_host(),
            settings={
                "cluster": settings.cluster,
                "clusterName": settings.cluster_name,
                "docker": settings.docker if settings.cluster == "kind" else None,
                "keepCluster": settings.keep_cluster,
                "context": settings.context,
                "nodeAddress": settings.node_address,
                "domain": settings.domain,
                "dashboardUrl": settings.dashboard_url,
            },
        )
        recorder = Recorder(settings.reports_dir, report, redactor)
        terminal = open(os.dup(2), "w", buffering=1, encoding="utf-8")  # noqa: PTH123, SIM115
        return cls(settings, recorder, redactor, twins, terminal)

    def components(self) -> Components:
        """Return the store of pinned parts; made on first use."""
        if self._components is None:
            self._components = Components(self.settings, make_progress(self._terminal))
        return self._components

    def make_cluster(self) -> Cluster:
        """Choose the provider on first use, and say which; does not start the cluster."""
        if self._cluster is None:
            components = self.components()
            with self.on_terminal():
                self._cluster = make_cluster(self.settings, components)
        return self._cluster

    def end(self, *, complete: bool) -> None:
        """Stop builds that still run, write the final report, and search it for secrets."""
        if self._components is not None:
            self._components.close()
        self.recorder.finish(complete=complete)
        if leaks := sweep(
            self.recorder.folder, self.planted.values, self.redactor.learnt(SHORTEST)
        ):
            self.recorder.error(f"A secret value is in the report: {', '.join(leaks)}")
            self.recorder.write()
        self._terminal.close()

    def say(self, text: str) -> None:
        """Show one line on the terminal now, although pytest captures output."""
        print(text, file=self._terminal)

    @contextlib.contextmanager
    def on_terminal(self) -> Iterator[None]:
        """Show what the body prints immediately: pytest would hold it back until a check fails."""
        with (
            contextlib.redirect_stdout(self._terminal),
            contextlib.redirect_stderr(self._terminal),
        ):
            yield

    def describe(self) -> None:
        """Describe in the report what is under test, as far as it has started."""
        report, cluster = self.recorder.report, self._cluster
        if cluster is None:
            return
        if self.kube is not None and not self._kubernetes:
            self._kubernetes = self._look_at_nodes(self.kube)
        report.cluster = ClusterInfo(
            provider=cluster.provider,
            choice=cluster.choice,
            name=cluster.name,
            reused=cluster.reused,
            node_image=cluster.node_image,
            **self._kubernetes,
        )
        parts = self._components.describe() if self._components else []
        report.components = [Component.model_validate(part) for part in parts]
        stack = self.stack.describe() if self.stack else {"substitutes": []}
        report.installation = [
            InstallationStep.model_validate(step) for step in stack.get("timings", ())
        ]
        report.not_installed = dict(stack.get("not_run", {}))
        report.substitutes = [
            *(Substitute.model_validate(entry) for entry in stack["substitutes"]),
            *(
                Substitute(name=part.name, instead_of=instead_of)
                for part in report.components
                if part.origin == "substitute"
                and (instead_of := part.note.removeprefix("in place of "))
                and not any(s["instead_of"].endswith(instead_of) for s in stack["substitutes"])
            ),
        ]
        # Names and versions of parts are public, whatever a Secret holds.
        public = report.model_dump_json(include={"cluster", "components", "installation"})
        self.redactor.allow(*WORD.findall(public))

    def learn_secrets(self) -> None:
        """Tell the redactor and the final search the values of all Secrets that exist now."""
        if self.kube is not None:
            thread = threading.Thread(target=self._learn_secrets, args=(self.kube,), daemon=True)
            thread.start()
            thread.join(self.settings.timeouts.http)

    def _learn_secrets(self, kube: Kube) -> None:
        with contextlib.suppress(Exception):  # a cluster that is gone tells nothing any more
            learn_secrets(kube, self.redactor)

    def prefetch(self, images: Iterable[str]) -> None:
        """Begin to build, in the background, these images, what every image is made of, and helm.

        Nothing but helm where there is no registry to push images to.
        """
        wanted = ["image-debian", *images] if self.make_cluster().registry is not None else []
        self.components().prefetch(*wanted, "helm")

    @staticmethod
    def _look_at_nodes(kube: Kube) -> dict[str, Any]:
        nodes = kube.list("v1", "Node")
        first = nodes[0]["status"]["nodeInfo"]
        return {
            "kubernetes": first["kubeletVersion"],
            "container_runtime": first["containerRuntimeVersion"],
            "nodes": len(nodes),
            "node_system": f"{first['osImage']}, Linux {first['kernelVersion']}",
        }

    def collect_diagnostics(self, item: pytest.Item, box: EvidenceBox) -> None:
        """Keep objects, events and logs of the namespaces that a failed check used.

        Limited in time: a check may have left the cluster unable to answer.
        """
        if self.kube is None:
            return
        owners = [node.nodeid for node in item.listchain()]
        used = [name for owner in owners for name in self.namespaces.get(owner, ())]
        thread = threading.Thread(
            target=self._collect_each, args=(self.kube, used, box), daemon=True
        )
        thread.start()
        thread.join(self.settings.timeouts.command)
        if thread.is_alive():
            box.note("Diagnostics are incomplete: the cluster did not answer in time.")

    def _collect_each(self, kube: Kube, used: list[str], box: EvidenceBox) -> None:
        if not self._node_logs_kept:
            self._node_logs_kept = True
            self._collect_node_logs(box)
        self._collect(kube, [*used, *PLATFORM_NAMESPACES], box, "diagnostics")
        for name, other in self.secondary.kubes().items() if self.secondary else ():
            self._collect(other, [*PLATFORM_NAMESPACES], box, f"diagnostics-of-{name}")

    def _collect_node_logs(self, box: EvidenceBox) -> None:
        """Keep the end of the logs of the node's own processes, with the run's first failure."""
        if self._cluster is None:
            return
        with tempfile.TemporaryDirectory() as folder:
            try:
                self._cluster.export_logs(Path(folder))
            except Exception as error:  # must not hide the failure itself
                box.note(f"The node's logs are incomplete: {error}")
            for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
                box.attach(f"node/{path.relative_to(folder)}", _end_of(path))

    def _collect(self, kube: Kube, namespaces: list[str], box: EvidenceBox, target: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            try:
                collect(kube, namespaces, Path(folder), self.redactor)
            except Exception as error:  # must not hide the failure itself
                box.note(f"Diagnostics are incomplete: {error}")
            files = [path for path in Path(folder).rglob("*") if path.is_file()]
            for path in sorted(files, key=lambda path: (path.name != "summary.txt", path)):
                box.attach(f"{target}/{path.relative_to(folder)}", path)


def _end_of(log: Path) -> str:
    """Return the last whole lines of a log, which may contain any bytes."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - NODE_LOG_BYTES))
        end = file.read()
    whole = end if size <= NODE_LOG_BYTES else end.partition(b"\n")[2]
    return whole.decode(errors="replace")
