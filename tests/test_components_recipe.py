"""A part's key changes with everything that changes its bytes, and with nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from conformance.common.errors import HarnessError
from conformance.components import catalogue, recipe
from conformance.components.catalogue import CATALOGUE, part
from conformance.components.parts import DockerfileImage, GoPart, Part, WheelPart
from conformance.components.recipe import Sources


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    wrapper = tmp_path / "wrappers" / "tool"
    wrapper.mkdir(parents=True)
    (wrapper / "go.mod").write_text("module x\n")
    (wrapper / "go.sum").write_text("sum\n")
    context = tmp_path / "services" / "tool"
    context.mkdir(parents=True)
    (context / "Dockerfile").write_text("FROM x\n")
    return Sources(tmp_path / "wrappers", tmp_path / "programs", tmp_path / "services")


def tool(**changes: object) -> GoPart:
    whole = GoPart(
        name="tool", version="v1.0.0", source="", module="example.test/tool", commands={"tool": ""}
    )
    return dataclasses.replace(whole, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "v1.0.1"},
        {"tags": "seccomp"},
        {"ldflags": "-X a=b"},
        {"cgo": True},
        {"commands": {"tool": "cmd/tool"}},
        {"folders": {"manifests": "config"}},
    ],
)
def test_key_changes_with_the_recipe(sources: Sources, changes: dict[str, object]) -> None:
    assert recipe.key(tool(**changes), sources) != recipe.key(tool(), sources)


@pytest.mark.parametrize("changes", [{"note": "n"}, {"source": "s"}, {"space": 1}])
def test_key_does_not_change_with_words(sources: Sources, changes: dict[str, object]) -> None:
    assert recipe.key(tool(**changes), sources) == recipe.key(tool(), sources)


@pytest.mark.parametrize("name", ["go.mod", "go.sum"])
def test_key_changes_with_the_wrapper(sources: Sources, name: str) -> None:
    before = recipe.key(tool(), sources)
    (sources.wrappers / "tool" / name).write_text("changed\n")
    assert recipe.key(tool(), sources) != before


def test_key_changes_with_a_program_of_the_suites_own(sources: Sources) -> None:
    sources.programs.mkdir()
    program = sources.programs / "tool.go"
    keys = {recipe.key(tool(), sources)}
    for text in ("package main\n", "package main // other\n"):
        program.write_text(text)
        keys.add(recipe.key(tool(program="tool.go"), sources))
    assert len(keys) == 3


def test_key_changes_with_the_compiler(sources: Sources, monkeypatch) -> None:
    before = recipe.key(tool(), sources)
    monkeypatch.setattr(recipe, "GO_VERSION", "1.99.0")
    assert recipe.key(tool(), sources) != before


def test_key_changes_with_an_inputs_key(sources: Sources, monkeypatch) -> None:
    user = dataclasses.replace(part("image-pause"), inputs=("tool",))
    monkeypatch.setattr(catalogue, "CATALOGUE", {"tool": tool()})
    before = recipe.key(user, sources)
    monkeypatch.setattr(catalogue, "CATALOGUE", {"tool": tool(tags="t")})
    assert recipe.key(user, sources) != before


@pytest.mark.parametrize("change", ["content", "mode", "name", "link"])
def test_key_changes_with_the_build_context(sources: Sources, change: str) -> None:
    image = DockerfileImage(
        name="image-tool", version="1", source="", reference="x:1", folder="tool"
    )
    file = sources.services / "tool" / "Dockerfile"
    before = recipe.key(image, sources)
    match change:
        case "content":
            file.write_text("FROM y\n")
        case "mode":
            file.chmod(0o755)
        case "name":
            file.rename(file.with_name("Otherfile"))
        case "link":
            (file.parent / "link").symlink_to("Dockerfile")
    assert recipe.key(image, sources) != before


def test_missing_source_is_named(sources: Sources) -> None:
    (sources.wrappers / "tool" / "go.sum").unlink()
    with pytest.raises(HarnessError, match=r"go\.sum is missing"):
        recipe.key(tool(), sources)


def test_every_go_part_has_a_wrapper_that_requires_it_at_its_version() -> None:
    for one in CATALOGUE.values():
        if isinstance(one, GoPart):
            text = (Sources().wrappers / one.wrapper / "go.mod").read_text()
            assert f"{one.module} {one.version}\n" in text, one.name
            assert "=> ../" not in text, one.name
            assert "=> ./" not in text, one.name


def test_programs_of_one_module_share_wrapper_and_version() -> None:
    kubeadm, kubernetes = part("kubeadm"), part("kubernetes")
    assert isinstance(kubeadm, GoPart)
    assert kubeadm.wrapper == "kubernetes"
    assert kubeadm.version == kubernetes.version


def test_every_wheel_has_hashes_and_every_image_a_tag() -> None:
    for one in CATALOGUE.values():
        if isinstance(one, WheelPart):
            assert one.hashes, one.name
        reference = getattr(one, "reference", "x:1")
        assert reference.rpartition(":")[2] not in {"", "latest"}, one.name


def test_parts_stand_after_their_inputs() -> None:
    seen: set[str] = set()
    for one in CATALOGUE.values():
        assert set(one.inputs) <= seen, one.name
        seen.add(one.name)


def test_unknown_component_is_refused_with_near_names() -> None:
    with pytest.raises(HarnessError, match=r"no component 'kubernets'(.|\n)*kubernetes or"):
        part("kubernets")
    with pytest.raises(HarnessError, match="components list"):
        part("zzzzzz")


def test_a_binary_leads_to_its_part() -> None:
    assert catalogue.owner("kubelet").name == "kubernetes"
    assert catalogue.owner("kubectl").name == "kubectl"
    assert catalogue.owner("containerd-shim-runc-v2").name == "containerd"
    owned: Part = catalogue.owner("pause")
    assert owned.name == "pause"
    with pytest.raises(HarnessError, match="did you mean kubectl"):
        catalogue.owner("kubectll")
