"""From the start of the node's processes to a Ready node."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from conformance.clusters.embedded.api import Api
from conformance.clusters.embedded.blueprint import PAUSE, node_name
from conformance.clusters.node import API_PORT, REGISTRY_PORT, is_ready, ready_message
from conformance.clusters.node_registry import registry_hint
from conformance.clusters.ownership.state import Folder
from conformance.clusters.sandbox.sandbox import Sandbox
from conformance.common.errors import HarnessError
from conformance.kube.objects import Object
from conformance.oci.registry import Registry

if TYPE_CHECKING:
    from conformance.components.builder import Components

_CONFIG_MAPS = "/api/v1/namespaces/kube-public/configmaps"


class BringUp:
    """Waits for one node while requests to it run in threads; its death ends the wait at once."""

    def __init__(
        self, folder: Folder, sandbox: Sandbox, address: str, components: Components
    ) -> None:
        self._folder = folder
        self._sandbox = sandbox
        self._address = address
        self._components = components
        self._news, self._pen = socket.socketpair()
        self._node: Object | None = None
        self._errors: list[BaseException] = []

    def wait(self, since: float, timeout: float) -> None:
        """Return when the node, started at ``since`` (seconds since the epoch), is Ready.

        HarnessError after ``timeout`` seconds, or when a process of the node ends: with the last
        lines of its log.
        """
        deadline = time.monotonic() + timeout
        up: list[str] = []
        jobs: dict[str, Callable[[], None]] = {
            "kube-apiserver": partial(self._watch_node, since, timeout),
            "registry": self._push_pause_image,
        }
        unfinished = len(jobs)
        with self._news, self._pen:
            while unfinished:
                left = max(deadline - time.monotonic(), 0)
                readable, _, _ = select.select([self._sandbox.channel, self._news], [], [], left)
                if not readable:
                    raise self._too_late(timeout, up)
                if self._news in readable:
                    unfinished -= len(self._news.recv(len(jobs)))
                    if self._errors:
                        raise self._errors[0]
                if self._sandbox.channel in readable:
                    name = self._next_ready()
                    up.append(name)
                    if name in jobs:
                        self._run(jobs[name])
        if self._node is None or not is_ready(self._node, since):
            raise self._too_late(timeout, up)

    def _next_ready(self) -> str:
        event = self._sandbox.event()
        if event["event"] == "ready":
            return str(event["process"])
        if event["event"] == "exited":
            name = event["process"]
            raise HarnessError(
                f"the node's {name} ended with status {event['status']}; the end of its log:\n"
                f"{self._folder.log_tail(name)}",
                "run `stackspin-conformance doctor`, which says what this host lacks",
            )
        reason = event.get("error", "its PID 1 was killed")
        raise HarnessError(
            f"the node ended while it was starting: {reason}",
            "run `stackspin-conformance doctor`, which says what this host lacks",
        )

    def _run(self, job: Callable[[], None]) -> None:
        def run() -> None:
            try:
                job()
            except Exception as error:
                self._errors.append(error)
            try:
                self._pen.send(b".")
            except OSError:
                return  # nobody waits any more

        threading.Thread(target=run, daemon=True).start()

    def _watch_node(self, since: float, timeout: float) -> None:
        api = Api(self._folder.pki, self._address, API_PORT)
        self._node = api.watch_until(
            f"/api/v1/nodes?fieldSelector=metadata.name={node_name(self._folder)}",
            lambda node: is_ready(node, since),
            timeout,
        )
        api.create("/api/v1/namespaces", {"metadata": {"name": "kube-public"}})
        api.put(_CONFIG_MAPS, registry_hint(f"{self._address}:{REGISTRY_PORT}"))

    def _push_pause_image(self) -> None:

        registry = Registry(f"{self._address}:{REGISTRY_PORT}")
        registry.push_layout(
            self._components.image_layout(PAUSE), self._components.image_reference(PAUSE)
        )

    def _too_late(self, timeout: float, up: list[str]) -> HarnessError:
        said = ready_message(self._node) if self._node else "no Node object was seen"
        suspect = "kubelet" if "kube-apiserver" in up else "kube-apiserver"
        return HarnessError(
            f"the node was not Ready after {timeout:g} s: {said}; up are {', '.join(up) or 'none'}."
            f" The end of {suspect}'s log:\n{self._folder.log_tail(suspect)}",
            "the log says what is wrong; if the host is only slow, give --timeout-factor=3",
        )
