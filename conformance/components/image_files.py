"""What an image part is made of, as the files of a layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from conformance.components.parts import FileImage, SystemImage
from conformance.oci.layout import Entry

BASE_FILES = (
    Entry(
        "/etc/passwd",
        b"root:x:0:0:root:/root:/sbin/nologin\n"
        b"nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n"
        b"nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
    ),
    Entry("/etc/group", b"root:x:0:\nnogroup:x:65534:\nnonroot:x:65532:\n"),
    Entry("/etc/nsswitch.conf", b"hosts: files dns\n"),
)
"""What a program without a distribution around it needs for users and names."""


def entries(wanted: FileImage | SystemImage, inputs: Callable[[str], Path]) -> list[Entry]:
    """Return what an image part is made of; ``inputs`` gives another part's folder."""
    result = []
    for path, where in wanted.files.items():
        name, _, file = where.partition(":")
        source = inputs(name) / file
        mode = 0o755 if source.stat().st_mode & 0o111 else 0o644
        result.append(Entry(path, source, mode))
    result.extend(Entry(path, link=link) for path, link in wanted.links.items())
    match wanted:
        case FileImage():
            granted = wanted.capabilities
            return [replace(one, capability=granted.get(one.path, "")) for one in result]
        case SystemImage():
            result.extend(Entry(path, text.encode()) for path, text in wanted.texts.items())
    return result
