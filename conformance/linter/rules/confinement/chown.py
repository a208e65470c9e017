"""No init container changes the owner of files.

Whether an init container changes the owner of a volume's files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, sequence, text
from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.confinement import as_root, is_privileged
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.pods import Container


_CHOWN = re.compile(r"(?<![\w.-])chown(?![\w.-])")


@rule("confinement.chown", level=3, severity=Severity.WARNING)
def chown(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each such init container."""
    yield from each(app, _changing)


def _changing(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        for container in pod.containers:
            parts = ("command", "args")
            words = [text(word) for part in parts for word in sequence(container.value.get(part))]
            if container.init and any(_CHOWN.search(word) for word in words):
                yield Problem(
                    container.place("command"),
                    f"init container {container.name} changes the owner of files{_how(container)}",
                )


def _how(container: Container) -> str:
    lists = {
        part: {
            text(one).upper().removeprefix("CAP_")
            for one in sequence(get(container.value, "securityContext", "capabilities", part))
        }
        for part in ("add", "drop")
    }
    dropped = lists["drop"] & {"ALL", "CHOWN"} and not lists["add"] & {"ALL", "CHOWN"}
    if not is_privileged(container) and (as_root(container) is None or dropped):
        return ", but may not: it fails unless they have this owner already"
    return " as root"
