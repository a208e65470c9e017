"""What the checks of container images share: the image, pods that run it, what leaks into it."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.apps import images as procedure
from conformance.apps.image_builds import VERSIONS
from conformance.apps.running import RunningImage
from conformance.capabilities.container_builds.planted import plant
from conformance.kube.apply import apply_file
from conformance.kube.conditions import ready
from conformance.kube.objects import Ref
from conformance.kube.wait import wait
from conformance.oci.layers import read_file
from conformance.oci.leaks import find_leaks
from conformance.suite.check import shared

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.apps.image_builds import AppImages, ImageBuilds
    from conformance.apps.images import BuiltImage
    from conformance.capabilities.container_builds.pods import Pods
    from conformance.capabilities.container_builds.releases import Release
    from conformance.common.package import Package
    from conformance.kube.client import Kube
    from conformance.oci.leaks import Leak

PODS = Path(__file__).with_name("pods.yaml")


@pytest.fixture(scope=shared)
def image(image_builds: ImageBuilds, package: Package, app: App) -> BuiltImage:
    """The app's image, built from its Dockerfile."""
    return image_builds.begin(package.app(app.name), VERSIONS[0]).result()


@pytest.fixture(scope=shared)
def default_configuration(image: BuiltImage, app: App) -> str:
    """Text of the default configuration in the image."""
    try:
        layers = image.layers(top_first=True)
        return read_file(layers, app.configuration.default.lstrip("/")).decode()
    except FileNotFoundError as error:
        raise AssertionError(str(error)) from error


@pytest.fixture(scope=shared)
def pods(
    images: AppImages, package: Package, app: App, kube: Kube, namespaces: Callable[[str], str]
) -> Pods:
    """Pods that run the app's image, each configured in another way."""
    namespace = namespaces("builds")
    image = images.pushed(package.app(app.name), VERSIONS[0])
    line = app.configuration.line
    override = f"{line('port', '9191')}\n{line('title', json.dumps('From the override file'))}\n"
    apply_file(
        kube,
        PODS,
        namespace=namespace,
        image=image.by_digest,
        prefix=app.configuration.environment,
        mount_path=app.configuration.override,
        override=json.dumps(override),
    )

    def pod(name: str) -> RunningImage:
        return RunningImage(kube, wait(kube, Ref("v1", "Pod", name, namespace), ready()))

    return pod


@pytest.fixture(scope=shared)
def leaks(
    image_builder: None,  # noqa: ARG001 - it is another image than the released one
    image_builds: ImageBuilds,
    package: Package,
    app: App,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Leak]:
    """What leaks into an image that is built next to secrets and package index settings."""
    context = tmp_path_factory.mktemp("context") / app.name
    shutil.copytree(package.app(app.name), context)
    planted = secrets.token_hex(20)
    plant(context, planted)
    built = image_builds.build(
        context, f"{app.image}-beside-secrets", VERSIONS[0], API_TOKEN=planted
    )
    value = {"the secret planted beside the Dockerfile": planted.encode()}
    return find_leaks(built.configuration(), built.layers(), planted=value)


@pytest.fixture
def release() -> Release:
    """How an app's developer releases an image."""
    return procedure.release
