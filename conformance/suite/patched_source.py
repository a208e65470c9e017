"""A service or an app on the files of its source that a twin has patched, without a new image.

For what is installed once for all twins. An app that a check deploys itself gets a patched image.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.common.settings import data_root
from conformance.kube.apply import apply
from conformance.kube.conditions import matching, rolled_out
from conformance.kube.objects import Ref, Selection, label_selector
from conformance.kube.wait import wait, wait_each
from conformance.services.flux import API_VERSIONS

if TYPE_CHECKING:
    from conformance.common.package import Package
    from conformance.kube.client import Kube


@dataclass(frozen=True)
class Source:
    """Where the source is of what is installed as a release with one Deployment of its name."""

    release: str
    namespace: str
    folder: str
    """In a package."""
    installed: str
    """In its image."""
    fixture: str
    """What installs it."""
    address: str = ""
    """Where it answers, if it does; ``{domain}`` is the platform's."""


DASHBOARD = Source(
    release="dashboard",
    namespace="stackspin",
    folder="fixtures/services/dashboard/dashboard",
    installed="/usr/lib/stackspin-dashboard/dashboard",
    fixture="single_sign_on",
    address="https://dashboard.{domain}/web/login",
)
NOTES = Source(
    release="notes",
    namespace="stackspin-apps",
    folder="fixtures/apps/notes/notes",
    installed="/usr/local/lib/python3.11/dist-packages/notes",
    fixture="installed_apps",
    address="https://notes.{domain}/",
)
OPERATOR = Source(
    release="operator",
    namespace="stackspin",
    folder="fixtures/services/operator",
    installed="/usr/lib/stackspin-operator",
    fixture="single_sign_on",
)
SOURCES = (DASHBOARD, NOTES, OPERATOR)


def patched_files(package: Package, source: Source) -> dict[str, str]:
    """Return the text, by path below the source's folder, of the files that a twin has patched."""
    root, original = package.root / source.folder, data_root() / source.folder
    texts = {
        path.relative_to(root): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return {
        path.as_posix(): text.decode()
        for path, text in texts.items()
        if text != (original / path).read_bytes()
    }


@contextmanager
def running_on(kube: Kube, source: Source, files: Mapping[str, str]) -> Iterator[None]:
    """Within the body, pods have these files in place of their image's, and Flux leaves them so."""
    name = f"{source.release}-twin"
    keys = {path: path.replace("/", "-") for path in files}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    config_map["data"] = {keys[path]: text for path, text in files.items()}
    mounts = [
        {"name": name, "mountPath": f"{source.installed}/{path}", "subPath": key}
        for path, key in keys.items()
    ]
    apply(kube, config_map, namespace=source.namespace)
    try:
        with _with_mounts(kube, source, mounts, {"name": name, "configMap": {"name": name}}):
            yield
    finally:
        kube.delete("v1", "ConfigMap", name, source.namespace)


@contextmanager
def _with_mounts(
    kube: Kube, source: Source, mounts: list[dict[str, str]], volume: dict[str, Any]
) -> Iterator[None]:
    release = (API_VERSIONS["HelmRelease"], "HelmRelease", source.release, source.namespace)
    before = kube.get(*_deployment(source))["spec"]["template"]["spec"]
    containers, volumes = before["containers"], before.get("volumes")
    more = [{**one, "volumeMounts": [*one.get("volumeMounts", ()), *mounts]} for one in containers]
    kube.patch(*release, {"spec": {"suspend": True}})
    try:
        _run_as(kube, source, containers=more, volumes=[*(volumes or ()), volume])
        yield
    finally:
        _run_as(kube, source, containers=containers, volumes=volumes)
        kube.patch(*release, {"spec": {"suspend": None}})


def _run_as(kube: Kube, source: Source, **changes: object) -> None:
    """Change the spec of a Deployment's pods; returns when such pods have taken over."""
    kube.patch(*_deployment(source), {"spec": {"template": {"spec": changes}}})
    rolled = wait(kube, _deployment(source), rolled_out())
    # One that is on its way out still answers.
    stays = matching("not being deleted", lambda pod: "deletionTimestamp" not in pod["metadata"])
    labels = label_selector(rolled["spec"]["selector"]["matchLabels"])
    wait_each(kube, Selection("v1", "Pod", source.namespace, labels), stays)


def _deployment(source: Source) -> Ref:
    return Ref("apps/v1", "Deployment", source.release, source.namespace)
