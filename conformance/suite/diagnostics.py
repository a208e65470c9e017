"""What a failed check leaves in the report: the state and logs of all that it may have used."""

from __future__ import annotations

import os
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.kube.diagnostics import collect
from conformance.kube.explain import learn_secrets

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster
    from conformance.common.redaction import Redactor
    from conformance.kube.client import Kube
    from conformance.report.evidence import EvidenceBox
    from conformance.suite.under_test import UnderTest

NODE_LOG_BYTES = 200_000
"""How much of the end of each of the node's logs a report keeps."""


def learn_all_secrets(kube: Kube, redactor: Redactor) -> None:
    """Tell the redactor, and so the final search, the values of all Secrets that exist now.

    Limited in time, as the cluster may be unable to answer.
    """

    def learn() -> None:
        with suppress(Exception):  # a cluster that is gone tells nothing any more
            learn_secrets(kube, redactor)

    thread = threading.Thread(target=learn, daemon=True)
    thread.start()
    thread.join(kube.timeouts.http)


class Diagnostics:
    """Collects them, limited in time: a check may have left the cluster unable to answer."""

    def __init__(self, under_test: UnderTest, redactor: Redactor) -> None:
        self._under_test = under_test
        self._redactor = redactor
        self._node_logs_kept = False

    def collect(self, item: pytest.Item, box: EvidenceBox) -> None:
        """Keep objects, events and logs of the namespaces that a failed check used."""
        kube, pool = self._under_test.kube, self._under_test.namespace_pool
        if kube is None:
            return
        used = pool.of(node.nodeid for node in item.listchain()) if pool else []
        thread = threading.Thread(target=self._collect_each, args=(kube, used, box), daemon=True)
        thread.start()
        thread.join(kube.timeouts.command)
        if thread.is_alive():
            box.note("Diagnostics are incomplete: the cluster did not answer in time.")

    def _collect_each(self, kube: Kube, used: list[str], box: EvidenceBox) -> None:
        cluster, others = self._under_test.chosen_cluster, self._under_test.secondary_clusters
        if not self._node_logs_kept and cluster is not None:
            self._node_logs_kept = True
            _collect_node_logs(cluster, box)
        stack = self._under_test.stack
        platform = stack.clients.platform.namespaces if stack else ()
        self._collect(kube, [*used, *platform], box, "diagnostics")
        for name, other in others.kubes().items() if others else ():
            self._collect(other, [*platform], box, f"diagnostics-of-{name}")

    def _collect(self, kube: Kube, namespaces: list[str], box: EvidenceBox, target: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            try:
                collect(kube, namespaces, Path(folder), self._redactor)
            except Exception as error:  # must not hide the failure itself
                box.note(f"Diagnostics are incomplete: {error}")
            files = [path for path in Path(folder).rglob("*") if path.is_file()]
            for path in sorted(files, key=lambda path: (path.name != "summary.txt", path)):
                box.attach(f"{target}/{path.relative_to(folder)}", path)


def _collect_node_logs(cluster: Cluster, box: EvidenceBox) -> None:
    """Keep the end of the logs of the node's own processes, with the run's first failure."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            cluster.export_logs(Path(folder))
        except Exception as error:  # must not hide the failure itself
            box.note(f"The node's logs are incomplete: {error}")
        for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
            box.attach(f"node/{path.relative_to(folder)}", _end_of(path))


def _end_of(log: Path) -> str:
    """Return the last whole lines of a log, which may contain any bytes."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - NODE_LOG_BYTES))
        end = file.read()
    whole = end if size <= NODE_LOG_BYTES else end.partition(b"\n")[2]
    return whole.decode(errors="replace")
