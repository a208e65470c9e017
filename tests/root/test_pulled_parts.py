"""Parts that are pulled from the real registry, in which our builds stand in for upstream's."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import stand_ins

from conformance.common.errors import HarnessError
from conformance.common.settings import Settings
from conformance.components import lock_file, publish, upstream
from conformance.components.builder import Components
from conformance.components.catalogue import part
from conformance.components.progress import make_progress
from conformance.components.registries import Host, Registries
from conformance.oci.layout import Entry, Layout
from conformance.oci.registry import Registry


@pytest.fixture
def built() -> Components:
    return Components(Settings(parts="build"))


@pytest.fixture
def pulling(registry: Registry, tmp_path: Path) -> Settings:
    """The settings of a machine with nothing in its cache, and a mirror of all registries."""
    mirror = stand_ins.mirrors(registry)
    return Settings(cache_dir=tmp_path / "cache", parts="pull", mirror=mirror)


def test_a_program_an_image_and_what_is_ours_are_pulled_and_run(
    built: Components, registry: Registry, pulling: Settings, tmp_path: Path
) -> None:
    kubectl = upstream.PROGRAM_IMAGES["upstream-kubectl"].reference
    made = Layout(tmp_path / "kubectl")
    made.add_files([Entry("/bin/kubectl", built.binary("kubectl"), 0o755)])
    digest = made.finish(kubectl)
    registry.push_layout(tmp_path / "kubectl", kubectl)
    pause = built.image_reference("image-pause")
    registry.push_layout(built.image_layout("image-pause"), pause)
    own = Host.parse(f"{registry.address}/own")
    assert publish.push(built, own, ("kind",), make_progress()) == ["kind"]

    lock = tmp_path / "lock.json"
    lock.write_text("{}")
    locked = {one.reference: one for one in lock_file.lock(Registries(pulling.mirror, print), lock)}
    assert locked[kubectl].digest == digest

    components = Components(pulling)
    for program, arguments in (("kubectl", ("version", "--client")), ("kind", ("version",))):
        told = subprocess.run(
            [components.binary(program), *arguments], capture_output=True, text=True, check=True
        )
        assert part(program).version in told.stdout
    layout = components.image_layout("image-pause")
    assert (layout / "index.json").read_text() == (
        built.image_layout("image-pause") / "index.json"
    ).read_text()
    assert components.entry("kind").name == built.entry("kind").name


def test_what_the_registry_has_not_is_named(registry: Registry, pulling: Settings) -> None:
    with pytest.raises(HarnessError, match=r"no registry gives\n  helm: needs docker.io/alpine"):
        Components(pulling).require("helm")
    assert registry.tags("docker.io/alpine/helm") == []


def test_a_registry_that_is_gone_is_no_reason_to_wait(pulling: Settings) -> None:
    nobody = tuple(f"{one.partition('=')[0]}=127.0.0.1:1" for one in pulling.mirror)
    away = replace(pulling, mirror=nobody)
    with pytest.raises(HarnessError, match="no registry gives"):
        Components(away).require("helm")
