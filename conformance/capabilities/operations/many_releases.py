"""Many releases at once: as many apps as no platform of one server has, each a tiny one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from conformance.apps.package.usage import memory_peaks
from conformance.kube.conditions import deleted, reconciled
from conformance.kube.objects import Selection, label_selector
from conformance.kube.wait import wait_each
from conformance.platform import conventions
from conformance.platform.reference.content import ROOT_KUSTOMIZATION, listed
from conformance.services.flux import API_VERSIONS, hopeless

if TYPE_CHECKING:
    from conformance.apps.tracked import TrackedBranch
    from conformance.kube.objects import Object

TEMPLATE = Path(__file__).with_suffix(".yaml")
CONTROLLERS = "app in (source-controller, kustomize-controller, helm-controller)"
"""Labels of their pods, in Flux's own manifests."""
_LABEL = "conformance.stackspin.net/many"


@dataclass(frozen=True)
class ManyReleases:
    """Releases of one chart in the tracked branch, which has nothing but a ConfigMap."""

    branch: TrackedBranch
    name: str
    """Of the chart; each release has a number after it."""
    number: int

    def push(self) -> None:
        """Push one commit with the chart and all releases; returns when Flux has fetched it."""
        self._commit(self.files, f"Install {self.number} releases", add=self._entry)

    def wait_applied(self, timeout: float) -> None:
        """Wait until each is Ready, ``timeout`` seconds at most.

        Raises ``WaitFailed`` as soon as Flux has given one up, or fails at it for ever.
        """
        wait_each(
            self.branch.kube,
            self._releases,
            reconciled(),
            minimum=self.number,
            timeout=timeout,
            fail_on=hopeless(),
        )

    def installed(self) -> set[str]:
        """Return the numbers that are in the releases' ConfigMaps."""
        found = self.branch.kube.list("v1", "ConfigMap", self.branch.namespace)
        mine = [one for one in found if one["metadata"]["name"].startswith(f"{self.name}-")]
        return {one["data"]["number"] for one in mine}

    def remove(self) -> None:
        """Push a commit without them; returns when Flux has removed each. Raises ``WaitTimeout``.

        Does nothing if they are not in the branch any more.
        """
        if f"flux2/{self._entry}" not in self.branch.git.files():
            return
        self._commit(dict.fromkeys(self.files), f"Remove {self.number} releases")
        kube = self.branch.kube
        wait_each(kube, self._releases, deleted(), timeout=kube.timeouts.stack)

    def memory(self) -> dict[str, float]:
        """Return the most memory, MiB, that each of Flux's controllers has taken since it started.

        Page cache counts as well. None are returned if the kubelet does not tell.
        """
        kube = self.branch.kube
        return memory_peaks(kube, kube.list("v1", "Pod", labels=CONTROLLERS))

    def _commit(self, changes: Any, message: str, *, add: str | None = None) -> None:  # noqa: ANN401
        with self.branch.git.lock:
            tree = listed(self.branch.git.read(ROOT_KUSTOMIZATION), remove=self._entry)
            tree = listed(tree, add=add)
            self.branch.push({**changes, ROOT_KUSTOMIZATION: tree}, message)

    @cached_property
    def files(self) -> dict[str, str]:
        """What is committed: text by path."""
        chart = {"apiVersion": "v2", "name": self.name, "version": "1.0.0"}
        releases = [self._release(number) for number in range(self.number)]
        return {
            f"charts/{self.name}/Chart.yaml": yaml.safe_dump(chart),
            f"charts/{self.name}/templates/config-map.yaml": TEMPLATE.read_text(encoding="utf-8"),
            f"flux2/{self._entry}": yaml.safe_dump_all(releases),
        }

    def _release(self, number: int) -> Object:
        source = {
            "kind": "GitRepository",
            "name": conventions.SOURCE,
            "namespace": conventions.FLUX_NAMESPACE,
        }
        return {
            "apiVersion": API_VERSIONS["HelmRelease"],
            "kind": "HelmRelease",
            "metadata": {
                "name": f"{self.name}-{number:03}",
                "namespace": conventions.APPS_NAMESPACE,
                "labels": self._labels,
            },
            "spec": {
                "interval": "1h",
                "chart": {"spec": {"chart": f"./charts/{self.name}", "sourceRef": source}},
                "install": {"remediation": {"retries": 1}},
                "values": {"number": str(number)},
            },
        }

    @property
    def _entry(self) -> str:
        return f"apps/{self.name}.yaml"

    @property
    def _labels(self) -> dict[str, str]:
        return {_LABEL: self.name}

    @property
    def _releases(self) -> Selection:
        version, labels = API_VERSIONS["HelmRelease"], label_selector(self._labels)
        return Selection(version, "HelmRelease", self.branch.namespace, labels)
