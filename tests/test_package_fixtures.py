"""The packages of real software say all that a cluster needs of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from linter_packages import GOOD

from conformance.apps.package.given import read_apps

DESCRIPTIONS = {
    file.relative_to(GOOD).parts[0]: file for file in sorted(GOOD.rglob("conformance.yaml"))
}
"""Package -> its description."""
BASES = {"docker.io/library/debian:bookworm-slim", "scratch"}
"""All images that a build gets from us."""


def images_of(package: str) -> dict[str, Path]:
    """Return the images that a package describes, each with its build context."""
    file = DESCRIPTIONS[package]
    described = yaml.safe_load(file.read_text())
    return {one["image"]: file.parent / one["context"] for one in described["images"]}


CONTEXTS = {
    image: context for package in DESCRIPTIONS for image, context in images_of(package).items()
}


@pytest.mark.parametrize("package", DESCRIPTIONS)
def test_a_package_describes_every_image_that_it_uses(package):
    [found] = read_apps(GOOD / package)

    used = {
        str(container.value.get("image"))
        for installation in found.app.installations
        for pod in installation.pods
        for container in pod.containers
    }
    assert used == set(images_of(package))


@pytest.mark.parametrize("image", CONTEXTS)
def test_an_image_is_built_from_images_that_are_there(image):
    dockerfile = (CONTEXTS[image] / "Dockerfile").read_text()

    stages = re.findall(r"(?m)^FROM (\S+)(?: AS (\S+))?$", dockerfile)
    assert stages
    named = {name for _, name in stages}
    for base, _ in stages:
        assert base in BASES | named


@pytest.mark.parametrize("image", CONTEXTS)
def test_an_image_runs_as_a_number_and_has_its_version(image):
    dockerfile = (CONTEXTS[image] / "Dockerfile").read_text()

    [user] = re.findall(r"(?m)^USER (\d+):\d+$", dockerfile)
    assert int(user) > 0
    assert set(re.findall(r"(?m)^ARG VERSION=(\S+)$", dockerfile)) == {image.rpartition(":")[2]}


@pytest.mark.parametrize("image", CONTEXTS)
def test_no_secret_of_a_build_is_mounted_on_a_file(image):
    """buildah 1.28 removes the file on which one was mounted."""
    dockerfile = (CONTEXTS[image] / "Dockerfile").read_text()

    mounts = re.findall(r"--mount=(\S+)", dockerfile)
    assert set(mounts) <= {"type=secret,id=ca-certificates"}
