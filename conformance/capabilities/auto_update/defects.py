"""What is wrong with the platform or the package on which a twin of an auto-update check runs."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from conformance.apps.image_builds import NAMESPACE as IMAGES
from conformance.apps.image_builds import NOTES, VERSIONS
from conformance.components.waiting import in_thread
from conformance.kube.apply import apply
from conformance.kube.conditions import condition_false, rolled_out
from conformance.kube.execution import execute
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import wait
from conformance.services.flux import API_VERSIONS

if TYPE_CHECKING:
    from conformance.apps.image_builds import AppImages
    from conformance.apps.tracked import TrackedBranch
    from conformance.common.package import Package
    from conformance.kube.client import Kube
    from conformance.suite.twins import Twin

LATEST = "refs/latest"
HOOK = f"""\
#!/bin/sh
while read -r _ new _; do git update-ref {LATEST} "$new"; done
"""
"""Git runs it after each push, with a line for each branch: its old commit, its new one, its name.
https://git-scm.com/docs/githooks#post-receive
"""


@pytest.fixture
def every_branch_followed(tracked_branch: TrackedBranch) -> Iterator[None]:
    """The source follows a reference that the Git server sets to what is pushed to any branch."""
    kube, flux, server = tracked_branch.kube, tracked_branch.flux, tracked_branch.git

    def in_repository(script: str) -> None:
        argv = ["sh", "-c", f"cd /srv/git/stackspin.git && {script}"]
        execute(kube, server.namespace, server.pod(), argv, stdin=HOOK.encode()).check()

    def follow(**reference: str | None) -> None:
        kube.patch(*flux.ref("GitRepository", flux.source), {"spec": {"ref": reference}})

    hook = "hooks/post-receive"
    in_repository(f"git update-ref {LATEST} main && cat >{hook} && chmod +x {hook}")
    follow(branch=None, name=LATEST)
    try:
        yield
    finally:
        follow(branch="main", name=None)
        in_repository(f"rm {hook} && git update-ref -d {LATEST}")


@pytest.fixture
def another_folder_applied(kube: Kube, tracked_branch: TrackedBranch) -> Iterator[None]:
    """A second Kustomization of Flux's applies the folder manifests of the repository."""
    name, flux = "manifests", tracked_branch.flux
    spec = flux.get("Kustomization", flux.root)["spec"]
    apply(
        kube,
        {
            "apiVersion": API_VERSIONS["Kustomization"],
            "kind": "Kustomization",
            "metadata": {"name": name, "namespace": flux.namespace},
            "spec": {**spec, "path": f"./{name}"},
        },
    )
    try:
        yield
    finally:
        kube.delete(*flux.ref("Kustomization", name))


@pytest.fixture
def values_file_left_out(package: Package) -> None:
    """The app's kustomization.yaml lists a copy of the values file in place of the file itself."""
    folder = package.flux2 / "apps" / NOTES
    _copy(folder / "values-configmap.yaml", "values-configmap-copy.yaml")
    listed = sorted(path.name for path in folder.iterdir() if path.stem != "values-configmap")
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": listed,
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")


@pytest.fixture
def service_template_left_out(package: Package) -> None:
    """The chart's .helmignore leaves out the Service's template; a copy of it is rendered."""
    chart = package.chart(NOTES)
    _copy(chart / "templates" / "service.yaml", "service-copy.yaml")
    (chart / ".helmignore").write_text("templates/service.yaml\n", encoding="utf-8")


@pytest.fixture
def undefined_variables_empty(
    kube: Kube,
    tracked_branch: TrackedBranch,
) -> Iterator[None]:
    """Flux puts nothing in the place of a variable that nothing defines, as it does by default."""
    strictly = ",StrictPostBuildSubstitutions=true"
    which = Ref("apps/v1", "Deployment", "kustomize-controller", tracked_branch.flux.namespace)
    [controller] = kube.get(*which)["spec"]["template"]["spec"]["containers"]
    leniently = [argument.replace(strictly, "") for argument in controller["args"]]
    assert leniently != controller["args"], "Flux does not substitute strictly"
    _run_controller(kube, which, {**controller, "args": leniently}, reconcile="disabled")
    try:
        yield
    finally:
        _run_controller(kube, which, controller, reconcile=None)


@pytest.fixture
def source_stays_suspended(kube: Kube, tracked_branch: TrackedBranch) -> Iterator[None]:
    """Somebody suspends the source when its server does not answer, and leaves it suspended."""
    flux = tracked_branch.flux

    def suspend() -> None:
        unreachable = condition_false("Ready")
        tracked_branch.wait_for_repository(unreachable, timeout=kube.timeouts.image_build)
        flux.suspend("GitRepository", flux.source)

    in_thread("suspend the source", suspend)
    try:
        yield
    finally:
        flux.resume("GitRepository", flux.source)


@pytest.fixture
def cluster_may_push(kube: Kube, tracked_branch: TrackedBranch) -> Iterator[None]:
    """The cluster has the credential of somebody who may push."""
    flux = tracked_branch.flux
    name = flux.get("GitRepository", flux.source)["spec"]["secretRef"]["name"]
    secret = ("v1", "Secret", name, flux.namespace)
    before, pusher = kube.get(*secret)["data"], tracked_branch.git.pusher
    given = {"username": pusher.user, "password": pusher.password}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in given.items()}
    kube.patch(*secret, {"data": encoded})
    try:
        yield
    finally:
        kube.patch(*secret, {"data": before})


@pytest.fixture
def patched_image(package: Package, images: AppImages) -> None:
    """Copies of notes run images of the source that the twin has patched."""
    [repository] = {images.of(package, NOTES, version).repository for version in VERSIONS}
    values = package.chart(NOTES) / "values.yaml"
    text = values.read_text(encoding="utf-8")
    values.write_text(text.replace(f"{IMAGES}/{NOTES}\n", f"{repository}\n"), encoding="utf-8")


@pytest.fixture
def app_without_guard(
    installed_apps: None,  # noqa: ARG001 - what is changed
    kube: Kube,
    tracked_branch: TrackedBranch,
    twin: Twin,
) -> Iterator[None]:
    """An object of notes has another field, which Flux leaves so.

    The twin's settings name its ``kind`` and ``name``, and in JSON what is merged into it and what
    makes it right again: ``change``, ``undo``.
    """
    flux, settings = tracked_branch.flux, twin.settings
    version = API_VERSIONS.get(settings["kind"], "v1")
    which = Ref(version, settings["kind"], settings["name"], tracked_branch.namespace)
    flux.suspend("Kustomization", NOTES)
    try:
        kube.patch(*which, json.loads(settings["change"]))
        yield
    finally:
        kube.patch(*which, json.loads(settings["undo"]))
        flux.resume("Kustomization", NOTES)


def _copy(file: Path, name: str) -> None:
    file.with_name(name).write_bytes(file.read_bytes())


def _run_controller(kube: Kube, which: Ref, container: Object, *, reconcile: str | None) -> None:
    """Have kustomize-controller run so; ``disabled``: Flux, which manages itself, leaves it so."""
    annotations = {"kustomize.toolkit.fluxcd.io/reconcile": reconcile}
    spec = {"template": {"spec": {"containers": [container]}}}
    change = {"metadata": {"annotations": annotations}, "spec": spec}
    kube.patch(*which, change)
    wait(kube, which, rolled_out(), timeout=kube.timeouts.rollout)
