"""What a run has brought up so far, looked at from beside the fixtures that hold it."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from conformance.report.environment import (
    ClusterInfo,
    Component,
    ObtainedPart,
    Substitute,
)

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster
    from conformance.components.builder import Components
    from conformance.kube.client import Kube
    from conformance.platform.namespaces import Namespaces
    from conformance.platform.secondary import SecondaryClusters
    from conformance.platform.stack import Stack
    from conformance.suite.platform_under_test import PlatformUnderTest
    from conformance.suite.run import Run

WORD = re.compile(r"[A-Za-z0-9][\w.-]{3,}")


class UnderTest:
    """Sees the session's fixtures come and go; a plugin of pytest. Describes them in the report.

    An attribute is None until its fixture is set up. What only answers while the cluster is there
    is None again afterwards.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self.platform_under_test: PlatformUnderTest | None = None
        self.components: Components | None = None
        self.chosen_cluster: Cluster | None = None
        self.kube: Kube | None = None
        self.namespace_pool: Namespaces | None = None
        self.stack: Stack | None = None
        self.secondary_clusters: SecondaryClusters | None = None
        self._nodes: dict[str, Any] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any]
    ) -> Generator[None, object, object]:
        """Remember what a fixture of the session holds."""
        value = yield
        if fixturedef.argname in self._held():
            setattr(self, fixturedef.argname, value)
            self.describe()
        return value

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """Forget the clients of a cluster that is about to go."""
        if fixturedef.argname in {"kube", "namespace_pool", "secondary_clusters"}:
            setattr(self, fixturedef.argname, None)

    def describe(self) -> None:
        """Describe in the report what is under test, as far as it has started."""
        report, cluster = self._run.recorder.report, self.chosen_cluster
        if self.platform_under_test is not None and report.platform is None:
            report.platform = self.platform_under_test.describe()
        if cluster is None:
            return
        if self.kube is not None and not self._nodes:
            with suppress(Exception):  # it is asked again after the next check
                self._nodes = _look_at_nodes(self.kube)
        report.cluster = ClusterInfo(
            provider=cluster.provider,
            choice=cluster.choice,
            name=cluster.name,
            reused=cluster.reused,
            snapshot=cluster.snapshot,
            node_image=cluster.node_image,
            **self._nodes,
        )
        components, stack = self.components, self.stack
        parts = components.describe() if components else []
        report.components = [Component.model_validate(part) for part in parts]
        obtained = components.obtained() if components else []
        recorder = self._run.recorder
        report.obtained = [
            ObtainedPart.model_validate({**part, "began": recorder.at(part["began"])})
            for part in obtained
        ]
        installed = stack.describe() if stack else {"substitutes": []}
        report.installation = recorder.installation()
        report.not_installed = dict(installed.get("not_run", {}))
        report.substitutes = [
            *(Substitute.model_validate(entry) for entry in installed["substitutes"]),
            *(
                Substitute(name=part.name, instead_of=instead_of)
                for part in report.components
                if part.origin == "substitute"
                and (instead_of := part.note.removeprefix("in place of "))
                and not any(s["instead_of"].endswith(instead_of) for s in installed["substitutes"])
            ),
        ]
        # Names and versions of parts are public, whatever a Secret holds.
        public = report.model_dump_json(include={"cluster", "components", "installation"})
        self._run.redactor.allow(*WORD.findall(public))

    def installing(self) -> tuple[str, float] | None:
        """Return the step of the installation that has gone on longest, and its seconds."""
        steps = self.stack.going_on() if self.stack else {}
        return max(steps.items(), key=lambda step: step[1], default=None)

    def _held(self) -> set[str]:
        return {name for name in vars(self) if not name.startswith("_")}


def _look_at_nodes(kube: Kube) -> dict[str, Any]:
    nodes = kube.list("v1", "Node")
    first = nodes[0]["status"]["nodeInfo"]
    return {
        "kubernetes": first["kubeletVersion"],
        "container_runtime": first["containerRuntimeVersion"],
        "nodes": len(nodes),
        "node_system": f"{first['osImage']}, Linux {first['kernelVersion']}",
    }
