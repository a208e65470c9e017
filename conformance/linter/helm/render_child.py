"""Renders charts in a process of its own: a template may loop for ever or eat all memory.

Not imported but run, by ``rendering``: ``python -I -S -B render_child.py FOLDER MEMORY SECONDS
BYTES``. FOLDER is where the package ``helm_python`` is. Each request is a line of JSON and then the
chart archive; each answer is a line of JSON.

The process has no open files but its pipes and may open none: neither templates nor a
``values.schema.json`` with a ``$ref`` reach files of this machine or the network.
"""

from __future__ import annotations

import json
import os
import resource
import select
import sys
import threading
import time
from typing import Any, BinaryIO

_SHOWN = 8_000
"""Characters of Helm's message from its start, and as many from its end."""
_PAGE = resource.getpagesize()


def _end_with_parent() -> None:
    """End this process as soon as nobody can write to its standard input any more."""
    poll = select.poll()
    poll.register(0, 0)
    poll.poll()
    os._exit(0)


def _limit(kind: int, value: int) -> None:
    """Set a limit, unless a lower one is set already or the system has no such limit."""
    try:
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    except (OSError, ValueError):
        pass


def _virtual_bytes() -> int:
    """Return the bytes of address space in use; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - no pathlib here
            return int(file.read().split()[0]) * _PAGE
    except (OSError, ValueError):
        return 0


def _confine(memory: int, seconds: int) -> None:
    """Take away what rendering does not need; the libraries are loaded by now."""
    in_use = _virtual_bytes()
    if in_use:
        # Go reserves far more address space than it uses.
        _limit(resource.RLIMIT_AS, in_use + memory)
    _limit(resource.RLIMIT_DATA, memory)
    _limit(resource.RLIMIT_CPU, seconds)
    _limit(resource.RLIMIT_NOFILE, 3)


def _rendered(chart: Any, native: Any, request: dict[str, Any], archive: bytes) -> dict[str, str]:
    options = {
        "name": request["name"],
        "namespace": request["namespace"],
        "is_install": not request["upgrade"],
        "is_upgrade": request["upgrade"],
        "api_versions": request["api_versions"],
    }
    with chart.Chart.load_archive(archive) as loaded:
        # What Chart.render calls, which has no parameter for the API versions of the cluster.
        given = (loaded._raw(), json.dumps(request["values"]), json.dumps(options))
        rendered: dict[str, str] = json.loads(native.call_string("helm_render", *given))
    return rendered


def _answer(file: BinaryIO, **answer: object) -> None:
    file.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
    file.flush()


def main(folder: str, memory: int, seconds: int, most: int) -> None:
    """Answer requests until standard input ends."""
    threading.stack_size(256 * 1024)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    requests = sys.stdin.buffer
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.path.append(folder)
    try:
        from helm_python import _native, chart, errors  # noqa: PLC0415 - slow, and found only now
    except Exception as error:  # whatever a broken installation raises
        _answer(answers, unusable=str(error)[:_SHOWN])
        return
    _confine(memory, seconds)
    _answer(answers, ready=True)
    used = time.process_time()
    while line := requests.readline():
        request = json.loads(line)
        archive = requests.read(request["size"])
        try:
            rendered = _rendered(chart, _native, request, archive)
        except errors.HelmError as error:
            message = str(error)
            if len(message) > 2 * _SHOWN:
                message = f"{message[:_SHOWN]}\n…\n{message[-_SHOWN:]}"
            result: dict[str, object] = {"error": message}
        else:
            large = sum(map(len, rendered.values())) > most
            result = {"too_large": True} if large else {"rendered": rendered}
        before, used = used, time.process_time()
        _answer(answers, seconds=used - before, **result)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
