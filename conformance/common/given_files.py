"""Files that somebody names or hands in, which may be anything: read with limits, and parsed."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

LARGEST = 256 * 1024 * 1024
"""Bytes of a file that is read. The report of a full run has some MiB; a file that has far more
is no report, and would fill the memory."""
_YAML = 1024 * 1024
"""Characters of YAML that are parsed, which takes half a minute; what a run hands in has 10 000."""
_DEEPEST = 100
"""How deep JSON may be nested. No report is so deep, and Python cannot show what is far deeper."""
_TOO_DEEP = "it is nested too deep"


def read_start(path: Path, length: int, *, follow: bool = True) -> bytes:
    """Return at most the first ``length`` bytes of a regular file; never wait for them.

    Raises:
        OSError: it cannot be read, or is a folder, a pipe, a device, or a link that is not to be
            followed.
    """
    links = 0 if follow else os.O_NOFOLLOW
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | links)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(length)
    finally:
        os.close(descriptor)


def read_bytes(path: Path, most: int = LARGEST) -> bytes:
    """Return the content of a regular file. Raises OSError, also if it has more bytes than that."""
    content = read_start(path, most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most} bytes")
    return content


def read_text(path: Path, most: int = LARGEST) -> str:
    """Return the text of a regular file. Raises OSError, also if it is not UTF-8."""
    try:
        return read_bytes(path, most).decode()
    except UnicodeDecodeError:
        raise OSError(errno.EILSEQ, "it is not UTF-8 text") from None


def parse_json(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return what is in a JSON text. Raises ValueError, which says in a line what is wrong."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for one in level for inner in _inside(one)]
    if level:
        raise ValueError(_TOO_DEEP)
    return value


def parse_yaml(text: str) -> Any:  # noqa: ANN401 - whatever YAML holds
    """Return what is in a YAML text. Raises ValueError, which says in a line what is wrong."""
    if len(text) > _YAML:
        raise ValueError(f"it has more than {_YAML} characters")
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a safe one
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    # A value that does not fit its type, as in 2026-99-99 or !!bool x, is no YAMLError.
    except (yaml.YAMLError, ValueError, LookupError, AttributeError) as error:
        raise ValueError(" ".join(str(error).split())) from None


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


class _Loader(yaml.SafeLoader):
    """Without merge keys: a few of them can stand for more than fits into memory."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Leave the key ``<<`` as it is; nothing constructs it, so it is an error."""
