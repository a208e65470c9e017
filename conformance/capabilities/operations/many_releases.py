"""Many releases at once: as many apps as no platform of one server has, each a tiny one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from conformance.apps.package.usage import memory_peaks
from conformance.common.errors import HarnessError
from conformance.kube.conditions import deleted, reconciled
from conformance.kube.errors import NotFound
from conformance.kube.inventory import ref_of
from conformance.kube.objects import Selection, label_selector
from conformance.kube.wait import WaitFailed, wait, wait_each
from conformance.platform import conventions
from conformance.platform.reference.content import ROOT_KUSTOMIZATION, listed
from conformance.services.flux import API_VERSIONS, hopeless

if TYPE_CHECKING:
    from conformance.apps.tracked import TrackedBranch
    from conformance.kube.client import Kube
    from conformance.kube.objects import Object, Objects

TEMPLATE = Path(__file__).with_suffix(".yaml")
CONTROLLERS = "app in (source-controller, kustomize-controller, helm-controller)"
"""Labels of their pods, in Flux's own manifests."""
FLUX_SECONDS = 30.0
"""How long each step of the removal may take; on an idle machine it takes a few."""
_THREADS = 8
"""Requests at once: each of several hundred objects is changed by itself."""
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
        with self.branch.git.lock:
            tree = listed(self.branch.git.read(ROOT_KUSTOMIZATION), add=self._entry)
            changes = {**self.files, ROOT_KUSTOMIZATION: tree}
            self.branch.push(changes, f"Install {self.number} releases")

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
        return {one["data"]["number"] for one in self.branch.kube.list(*self._config_maps)}

    def remove(self) -> None:
        """Take them out of the branch and off the cluster. Can be repeated, also if interrupted.

        Helm uninstalls none, as that takes seconds for each: Flux leaves what a suspended release
        has installed. It has ``FLUX_SECONDS`` for each step, then its finalizers are taken away.
        Raises ``HarnessError`` that says what is left.
        """
        kube = self.branch.kube
        suspended = {"spec": {"suspend": True}}
        _each(kube.list(*self._releases), lambda one: kube.patch(*ref_of(one), suspended))
        self._take_out()
        left = [
            f"{len(found)} of kind {kind.kind}: {', '.join(ref_of(one).name for one in found)}"
            for kind in (self._releases, self._charts, self._config_maps, self._records)
            if (found := _taken_away(kube, kind))
        ]
        if left:
            raise HarnessError(
                f"Not all of {self.number} releases could be removed. There are still "
                + "; ".join(left),
                "See what Flux' controllers log, and delete them.",
            )

    def memory(self) -> dict[str, float]:
        """Return the most memory, MiB, that each of Flux's controllers has taken since it started.

        Page cache counts as well. None are returned if the kubelet does not tell.
        """
        kube = self.branch.kube
        return memory_peaks(kube, kube.list("v1", "Pod", labels=CONTROLLERS))

    def _take_out(self) -> None:
        """Remove them from the branch, if they are in it, and give Flux the time to apply that.

        What it applies of the commit before would come back after it was deleted.
        """
        git, flux = self.branch.git, self.branch.flux
        with git.lock:
            if f"flux2/{self._entry}" not in git.files():
                return
            tree = listed(git.read(ROOT_KUSTOMIZATION), remove=self._entry)
            changes = {**dict.fromkeys(self.files), ROOT_KUSTOMIZATION: tree}
            sha = git.commit(changes, f"Remove {self.number} releases")
        flux.reconcile("GitRepository", flux.source)
        applied = reconciled(sha, includes=lambda revision: git.includes(revision, sha))
        with suppress(WaitFailed):
            wait(
                self.branch.kube,
                flux.ref("Kustomization", flux.root),
                applied,
                timeout=FLUX_SECONDS,
            )

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
                "name": self._name(number),
                "namespace": conventions.APPS_NAMESPACE,
                "labels": self._labels,
            },
            "spec": {
                "interval": "1h",
                "chart": {
                    "metadata": {"labels": self._labels},
                    "spec": {"chart": f"./charts/{self.name}", "sourceRef": source},
                },
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
        return self._labelled("HelmRelease", self.branch.namespace)

    @property
    def _charts(self) -> Selection:
        """What Flux makes of a release before it installs it, beside the source."""
        return self._labelled("HelmChart", self.branch.flux.namespace)

    @property
    def _config_maps(self) -> Selection:
        """What the releases install."""
        return Selection("v1", "ConfigMap", self.branch.namespace, label_selector(self._labels))

    @property
    def _records(self) -> Selection:
        """Helm's records of the releases.

        https://helm.sh/docs/topics/advanced/#storage-backends
        """
        names = ",".join(self._name(number) for number in range(self.number))
        labels = f"owner=helm,name in ({names})"
        return Selection("v1", "Secret", self.branch.namespace, labels)

    def _labelled(self, kind: str, namespace: str) -> Selection:
        return Selection(API_VERSIONS[kind], kind, namespace, label_selector(self._labels))

    def _name(self, number: int) -> str:
        return f"{self.name}-{number:03}"


def _taken_away(kube: Kube, kind: Selection) -> Objects:
    """Delete the objects of a selection; return those that are still there at the end."""
    _each(kube.list(*kind), lambda one: kube.delete(*ref_of(one)))
    if not _gone(kube, kind):
        freed = {"metadata": {"finalizers": None}}
        _each(kube.list(*kind), lambda one: kube.patch(*ref_of(one), freed))
        _gone(kube, kind)
    return kube.list(*kind)


def _gone(kube: Kube, kind: Selection) -> bool:
    try:
        wait_each(kube, kind, deleted(), timeout=FLUX_SECONDS)
    except WaitFailed:
        return False
    return True


def _each(items: Objects, act: Callable[[Object], object]) -> None:
    """Do something to each object, some at once; one that has gone meanwhile is left out."""

    def tolerant(item: Object) -> None:
        with suppress(NotFound):
            act(item)

    with ThreadPoolExecutor(_THREADS, "releases") as executor:
        for _ in executor.map(tolerant, items):
            pass
