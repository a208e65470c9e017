"""Charts rendered by Helm's own code, in a child process with limits."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import math
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.linter.facts.kubernetes_schema import api_versions
from conformance.linter.helm.chart_archive import chart_archive
from conformance.linter.helm.errors import explain
from conformance.linter.limits import MEBIBYTE, Limits

_CHILD = Path(__file__).with_name("render_child.py")
_START_SECONDS = 20.0
"""Loading Helm takes 0.3 s."""
_BUSY = 10
"""That many times as long as its CPU time a process may take: a busy machine is nobody's fault."""
_LOOK = 0.05
"""Seconds between two looks at the CPU time of a process that is late."""
_CHUNK = 256 * 1024
_STDERR_BYTES = 64 * 1024
_ESCAPED = 6
"""Bytes of JSON that one rendered byte may need."""
_NOTES = "NOTES.txt"
_DEFAULT = Limits()


class RenderError(Exception):
    """A chart that does not render."""

    def __init__(
        self,
        message: str,
        template: str = "",
        line: int = 0,
        *,
        limit: bool = False,
        needed: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.template = template
        """As in ``notes/templates/deployment.yaml``, ``chart/values.yaml``: inside the chart's
        folder, whatever that is called. Empty if no file is to blame."""
        self.line = line
        """Of the template; 0: of no line in particular."""
        self.limit = limit
        """Whether it could not be judged: a limit was reached, or something could not be had."""
        self.needed = needed
        """Whether the chart itself says that a value is missing or wrong."""


class Renderer:
    """Renders charts, one after the other.

    As a context manager it starts its process at once, and leaves none behind. Not to be shared
    between threads.
    """

    def __init__(self, limits: Limits = _DEFAULT) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._stderr = bytearray()
        self._left = limits.seconds
        self._given_up: dict[str, str] = {}
        """Charts that reached a limit; they would reach it again."""

    def __enter__(self) -> Renderer:
        with contextlib.suppress(RenderError):  # told when a chart is rendered, if one is
            self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the child process and go on; it is ready when a chart has been read."""
        if self._process is not None:
            return
        package = importlib.util.find_spec("helm_python")
        if package is None or package.origin is None:
            raise RenderError("the package helm-python-sdk is not installed", limit=True)
        limits = self._limits
        arguments = (
            str(Path(package.origin).parents[1]),
            str(limits.memory_bytes),
            str(math.ceil(limits.seconds) * (os.cpu_count() or 1) + 10),
            str(limits.rendered_bytes),
        )
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", str(_CHILD), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd="/",
                env=_environment(limits),
                start_new_session=True,
            )
        except OSError as error:
            raise RenderError(
                f"cannot start a process for Helm: {error.strerror}", limit=True
            ) from None
        self._ready = False
        self._stderr.clear()

    def close(self) -> None:
        """End the child process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()

    def render(
        self,
        files: Mapping[str, bytes],
        *,
        values: Mapping[str, Any],
        name: str,
        namespace: str,
        upgrade: bool = False,
    ) -> dict[str, str]:
        """Return what each template renders to: ``notes/templates/service.yaml`` -> text.

        ``files`` are the chart's: path inside the chart -> content. ``values`` are laid over the
        chart's own. ``upgrade``: as an upgrade, not as an installation. Raises RenderError.
        """
        archive = chart_archive(files)
        chart = hashlib.sha256(archive).hexdigest()
        if chart in self._given_up:
            raise RenderError(self._given_up[chart], limit=True)
        try:
            options = {
                "name": name,
                "namespace": namespace,
                "upgrade": upgrade,
                "api_versions": api_versions(),
            }
            return self._render(archive, values, options)
        except _UnusableError as error:
            self.close()
            raise RenderError(str(error), limit=True) from None
        except _LimitError as error:
            self.close()
            self._given_up[chart] = str(error)
            raise RenderError(str(error), limit=True) from None

    def _render(
        self, archive: bytes, values: Mapping[str, Any], options: Mapping[str, Any]
    ) -> dict[str, str]:
        request = {"size": len(archive), "values": values, **options}
        try:
            header = json.dumps(request, allow_nan=False).encode("ascii")
        except (TypeError, ValueError, RecursionError) as error:
            raise RenderError(f"the values are not valid JSON: {error}") from None
        if self._left <= 0:
            raise _LimitError(self._out_of_time())
        self.start()
        if not self._ready:
            self._await_ready()
        seconds = min(self._left, self._limits.chart_seconds)
        started = time.monotonic()
        try:
            line = self._exchange(b"".join((header, b"\n", archive)), seconds)
        except BaseException:
            # What it may still answer would be taken for the answer to the next request.
            self.close()
            self._left -= min(time.monotonic() - started, seconds)
            raise
        answer = _decoded(line)
        self._left -= answer["seconds"]
        if "rendered" in answer:
            texts: dict[str, str] = answer["rendered"]
            return {file: text for file, text in texts.items() if not file.endswith(_NOTES)}
        if "error" in answer:
            found = explain(answer["error"], values)
            raise RenderError(
                found.message,
                found.template,
                found.line,
                limit=found.unjudged,
                needed=found.needed,
            )
        raise _LimitError(
            f"the chart renders to more than {self._limits.rendered_bytes / MEBIBYTE:g} MiB"
        )

    def _await_ready(self) -> None:
        try:
            answer = _decoded(self._exchange(b"", _START_SECONDS))
        except _LimitError as error:
            raise _UnusableError(f"Helm cannot be loaded: {error}") from None
        if "ready" not in answer:
            raise _UnusableError(f"Helm cannot be loaded: {answer.get('unusable')}")
        self._ready = True

    def _exchange(self, request: bytes, seconds: float) -> bytes:
        """Send a request, return the line that answers it.

        It may take so many seconds of the process's CPU time.
        """
        process = self._process
        if process is None or not (process.stdin and process.stdout and process.stderr):
            raise _UnusableError("Helm was stopped")
        waiting = memoryview(request)
        answer = bytearray()
        started, before = time.monotonic(), _cpu_seconds(process)
        most = self._limits.rendered_bytes * _ESCAPED + MEBIBYTE
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            selector.register(process.stderr, selectors.EVENT_READ)
            if waiting:
                os.set_blocking(process.stdin.fileno(), False)
                selector.register(process.stdin, selectors.EVENT_WRITE)
            while not answer.endswith(b"\n"):
                waited = time.monotonic() - started
                used = min(waited, _cpu_seconds(process) - before) if waited > seconds else waited
                if used > seconds or waited > seconds * _BUSY:
                    raise _LimitError(self._out_of_time())
                for key, _ in selector.select(max(seconds - used, _LOOK)):
                    if key.fileobj is process.stdin:
                        waiting = self._send(process, waiting)
                        if not waiting:
                            selector.unregister(process.stdin)
                        continue
                    part = os.read(key.fd, _CHUNK)
                    if key.fileobj is process.stderr:
                        self._stderr += part
                        del self._stderr[:-_STDERR_BYTES]
                        if not part:
                            selector.unregister(process.stderr)
                    elif part:
                        answer += part
                    else:
                        raise _LimitError(self._why_it_died(process))
                if len(answer) > most:
                    raise _LimitError("Helm's answer is larger than allowed")
        return bytes(answer)

    def _send(self, process: subprocess.Popen[bytes], waiting: memoryview) -> memoryview:
        try:
            return waiting[os.write(process.stdin.fileno(), waiting[:_CHUNK]) :]  # type: ignore[union-attr]
        except BlockingIOError:
            return waiting
        except BrokenPipeError:
            # It has died: its standard output ends, too, and that is where it is told.
            return waiting[len(waiting) :]

    def _out_of_time(self) -> str:
        limits = self._limits
        if self._left <= 0:
            return f"the {limits.seconds:g} s for rendering are used up"
        return f"rendering takes longer than {min(self._left, limits.chart_seconds):.3g} s"

    def _why_it_died(self, process: subprocess.Popen[bytes]) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
        process.kill()
        code = process.wait()
        if process.stderr is not None:
            with contextlib.suppress(OSError):
                self._stderr += os.read(process.stderr.fileno(), _CHUNK)
        said = self._stderr.decode("utf-8", "replace")
        if any(word in said for word in ("memory", "cannot allocate", "stack", "pthread_create")):
            return (
                f"rendering needs more than {self._limits.memory_bytes / MEBIBYTE:g} MiB of memory"
            )
        return f"the process that renders ended with status {code}"


def _cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """Return the CPU time that a process has used; infinite where the system does not tell."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return math.inf


class _LimitError(Exception):
    """A chart reached a limit."""


class _UnusableError(Exception):
    """Helm does not run here at all."""


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        raise _UnusableError("the process that renders answered with invalid JSON") from None
    return answer if isinstance(answer, dict) else {}


def _environment(limits: Limits) -> dict[str, str]:
    """Return the child's environment: nothing of the user's but where libraries are."""
    kept = {key: os.environ[key] for key in ("LD_LIBRARY_PATH",) if key in os.environ}
    library = os.environ.get("HELM_C_LIB")
    if library:
        kept["HELM_C_LIB"] = str(Path(library).absolute())
    return {
        **kept,
        "LC_ALL": "C.UTF-8",
        "GOTRACEBACK": "none",
        "GOMEMLIMIT": str(limits.memory_bytes * 3 // 4),
    }
