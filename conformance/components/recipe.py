"""What identifies a part's bytes: everything that goes into making it, hashed."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from conformance.common.errors import HarnessError
from conformance.common.settings import data_root
from conformance.components.catalogue import GO_VERSION, part
from conformance.components.parts import (
    CPart,
    DockerfileImage,
    FileImage,
    GoPart,
    KindNode,
    Part,
    ProgramPart,
)

_WORDS_ONLY = {
    "source", "packages", "space", "origin", "note", "inputs", "replace", "shares", "program",
}  # fmt: skip
"""Fields that do not change a part's bytes; the last three do by way of the files they name."""
_METHOD = {"KindNode": 3, "FileImage": 2, "RootfsImage": 2, "DebianRootfs": 2, "DockerfileImage": 2}
"""1 for the rest. To be raised when the code that makes this kind of part changes what it makes."""
PRELOAD = "preload.sh"
"""The source file that fills a node image's second layer."""


@dataclass(frozen=True)
class Sources:
    """Where a part's sources in this project are."""

    wrappers: Path = Path(__file__).parent / "wrappers"
    programs: Path = Path(__file__).parent / "sources"
    services: Path = field(default_factory=lambda: data_root() / "fixtures" / "services")


def recipe(
    wanted: Part, sources: Sources, input_key: Callable[[str], str] | None = None
) -> dict[str, object]:
    """Return all that decides ``wanted``'s bytes, as JSON values.

    ``input_key`` gives the keys of inputs; by default, those of inputs that are built themselves.
    Raises HarnessError when one of its source files is missing.
    """
    input_key = input_key or (lambda name: key(part(name), sources))
    result: dict[str, object] = {
        "kind": type(wanted).__name__,
        "method": _METHOD.get(type(wanted).__name__, 1),
        "architecture": platform.machine(),
        "inputs": {name: input_key(name) for name in wanted.inputs},
    }
    for one in fields(wanted):
        if one.name not in _WORDS_ONLY:
            value = getattr(wanted, one.name)
            result[one.name] = dict(value) if isinstance(value, Mapping) else value
    match wanted:
        case GoPart():
            result["go"] = GO_VERSION
            result["wrapper"] = {
                name: hash_file(sources.wrappers / wanted.wrapper / name)
                for name in ("go.mod", "go.sum")
            }
            if wanted.program:
                result["program"] = hash_file(sources.programs / wanted.program)
        case CPart():
            result["program"] = hash_file(sources.programs / wanted.file)
        case DockerfileImage():
            result["context"] = hash_folder(sources.services / wanted.folder)
        case FileImage() | ProgramPart():
            result["files"] = list(wanted.files.items())
        case KindNode():
            result["program"] = hash_file(sources.programs / PRELOAD)
    return result


def key(wanted: Part, sources: Sources, input_key: Callable[[str], str] | None = None) -> str:
    """Return the sha256 of ``wanted``'s recipe, in hexadecimal."""
    return key_of(recipe(wanted, sources, input_key))


def key_of(what: Mapping[str, object]) -> str:
    """Return the sha256 of a recipe, in hexadecimal."""
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def folders(wanted: Part, sources: Sources) -> dict[str, object]:
    """Return all that decides what a part has of its module's archive; nothing for most parts."""
    if not isinstance(wanted, GoPart) or not wanted.folders:
        return {}
    sums = hash_file(sources.wrappers / wanted.wrapper / "go.sum")
    return {"module": f"{wanted.module}@{wanted.version}", "sums": sums, **wanted.folders}


def hash_file(path: Path) -> str:
    """Return the sha256 of a source file; HarnessError when it is missing."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise HarnessError(
            f"the source file {path.name} is missing from {path.parent}",
            "get it back from version control (`git status` shows what is missing)",
        ) from None


def hash_folder(folder: Path) -> str:
    """Return a hash over names, executable bits, link targets and bytes below ``folder``."""
    if not folder.is_dir():
        raise HarnessError(
            f"the folder {folder} is missing",
            "get it back from version control (`git status` shows what is missing)",
        )
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if "__pycache__" in path.parts or path.is_dir():
            continue
        name = str(path.relative_to(folder))
        if path.is_symlink():
            line = f"link {name} {path.readlink()}"
        else:
            line = f"file {name} {path.stat().st_mode & 0o111:o} {hash_file(path)}"
        total.update(f"{len(line)} {line}\n".encode())
    return total.hexdigest()
