"""The kind provider: a node as a container of a Docker engine, through pytest-kind.

https://kind.sigs.k8s.io/docs/user/configuration/ and https://codeberg.org/hjacobs/pytest-kind
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from conformance.clusters import docker, probe
from conformance.clusters.base import Cluster, Feature
from conformance.clusters.kind import command as kind_command
from conformance.clusters.kind import private_engine
from conformance.clusters.kind import services as kind_services
from conformance.clusters.kind.configuration import configuration_of
from conformance.clusters.kind.private_engine import PrivateEngine
from conformance.clusters.node import REGISTRY_PORT, is_ready
from conformance.clusters.node_registry import registry_hint
from conformance.clusters.ownership.ownership import Ownership
from conformance.clusters.sandbox.log_tail import log_tail
from conformance.common.errors import HarnessError
from conformance.components.registries import mirrors
from conformance.kube.apply import apply
from conformance.kube.client import Kube
from conformance.kube.conditions import matching
from conformance.kube.errors import ApiError, Unreachable
from conformance.kube.objects import Ref
from conformance.kube.wait import wait

if TYPE_CHECKING:
    from pytest_kind import KindCluster as PytestKind

    from conformance.common.settings import Settings
    from conformance.components.builder import Components

UPSTREAM_IMAGE = (
    "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
)
"""What the pinned kind takes by default (its pkg/apis/config/defaults/image.go)."""
STORAGE_CLASS = ("storage.k8s.io/v1", "StorageClass", "standard")
"""The default one of upstream's image; Stackspin brings its own."""
LOCAL_IMAGE = "kind-node"
"""The component that replaces it if it cannot be pulled."""
_PULL_SECONDS = 600.0
_LOG_SECONDS = 60.0
_NODE_LOGS = ("*.log", "inspect.json", "pods/kube-system_*/*/*.log")


class KindCluster(Cluster):
    """One kind node. On an engine of the user's, or on a private one, which needs root."""

    provider = "kind"
    features = frozenset(Feature)

    def __init__(self, settings: Settings, components: Components) -> None:
        self.name = settings.cluster_name
        self._settings = settings
        self._components = components
        self._ownership = Ownership(settings.state_dir, self.name, self.provider)
        self._private = PrivateEngine(self._ownership, components)
        self._engine = docker.running()
        self._node = f"{self.name}-control-plane"
        self._mark = f"/etc/stackspin-conformance/{secrets.token_hex(8)}"
        self._address: str | None = None
        self._image = ""

    @property
    def kubeconfig(self) -> Path:
        """In the cluster's folder; gone with it."""
        return self._ownership.folder.kubeconfig

    @property
    def node_address(self) -> str:
        """The container's address in kind's network."""
        if self._address is None:
            self._address = self._inspect(
                "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
            )
        return self._address

    @property
    def egress(self) -> bool:
        """An engine of the user's lets containers out; a private one has no way out itself."""
        return self._settings.docker == "running"

    @property
    def registry(self) -> str | None:
        """The distribution registry that runs in the node."""
        return f"{self.node_address}:{REGISTRY_PORT}"

    def start(self) -> None:
        """Bring the cluster up, or take over a kept one of this name.

        HarnessError when no engine answers, the name is in use, or the node does not get Ready in
        time; nothing is left behind then.
        """
        self.prepare()
        try:
            if self.reused:
                self._resume()
            else:
                self._create()
                if self._settings.keep_cluster:
                    self._ownership.keep()
        except BaseException:
            if not self.reused:
                self.delete()
            raise
        self.node_image = self._inspect("{{.Config.Image}}, {{.Image}}")
        whose = "the one that answers" if self._ownership.record.outside else "a private one"
        self.choice += f"; Docker engine {self._engine.version()}, {whose}"

    def prepare(self) -> None:
        """Have an engine that has the node image: all of ``start`` but for the node itself.

        Does nothing where a kept cluster of this name is taken over, or when called again.
        """
        if self._image or self.reused:
            return
        self.reused = self._ownership.enter()
        if self.reused:
            return
        private = self._needs_private_engine()
        if not private:
            self._refuse_taken_name()
        parts = (private_engine.PART, LOCAL_IMAGE) if private else ()
        self._components.require(*parts, "kind", "kubectl", "registry")
        try:
            self._ownership.found()
            if private:
                self._engine = self._private.start()
            else:
                told = dict(self._engine.environment)
                self._ownership.go_outside(docker.Outside(told, self._mark))
            self._image = self._node_image(private=private)
        except BaseException:
            self.delete()
            raise

    @property
    def connected(self) -> bool:
        """When the node's network will be inside that of a private engine, which is there."""
        return bool(self._image) and self._ownership.record.outside is None

    def node_run(
        self, argv: Sequence[str], *, stdin: bytes | None = None, timeout: float = 60.0
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command as root in the node's container; see the base class."""
        interactive = ["--interactive"] if stdin is not None else []
        return self._engine.attempt(
            "exec", *interactive, self._node, *argv, stdin=stdin, timeout=timeout
        )

    def kill_node(self) -> None:
        """SIGKILL the container's first process: the kernel kills all others with it."""
        if self._inspect("{{.State.Running}}") == "true":
            self._engine.run("kill", "--signal=KILL", self._node)
            self._engine.run("wait", self._node)

    def restart_node(self) -> None:
        """Start the container again; kind's entrypoint follows a changed address."""
        self.kill_node()
        since = time.time()
        self._engine.run("start", self._node)
        self._address = None
        with contextlib.closing(self._kube()) as kube:
            self._wait_ready(kube, since)

    def export_logs(self, folder: Path) -> None:
        """Keep what ``kind export logs`` has of the node itself, and of Kubernetes' own pods."""
        with tempfile.TemporaryDirectory() as everything:
            subprocess.run(
                [self._kind(), "export", "logs", everything, f"--name={self.name}"],
                capture_output=True,
                timeout=_LOG_SECONDS,
                check=False,
            )
            node = Path(everything) / self._node
            for pattern in _NODE_LOGS:
                for path in node.glob(pattern):
                    kept = folder / path.relative_to(node)
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, kept)

    def cancel(self) -> None:
        """Let a ``start`` in another thread fail soon: what it waits for is killed."""
        self._ownership.cancel()

    def delete(self) -> None:
        """Take the node away, and the private engine; safe to call twice."""
        self._ownership.delete()

    def _needs_private_engine(self) -> bool:
        """Whether to start one. HarnessError when no engine answers and we may not."""
        if self._engine.version() is not None:
            return False
        if self._settings.docker != "start":
            raise HarnessError(
                "no Docker engine answers, and kind needs one",
                "start yours, or as root let the suite start a private one: --docker=start",
            )
        if image := self._settings.kind_image:
            raise HarnessError(
                f"a private Docker engine has no network access and cannot pull {image}",
                "leave --kind-image out, or start an engine of your own",
            )
        probe.examine(self._settings.state_dir)
        return True

    def _refuse_taken_name(self) -> None:
        """HarnessError when somebody else has a kind cluster of this name on the engine."""
        if docker.nodes(self._engine, self.name):
            raise HarnessError(
                f"the cluster name {self.name} is in use on the Docker engine that answers, by a "
                "kind cluster that is not in this state folder",
                "choose another --cluster-name, or if nobody needs that cluster, remove it: "
                f"kind delete cluster --name {self.name}",
            )

    def _node_image(self, *, private: bool) -> str:
        """Return the image to create the node from, which the engine has by then."""
        if given := self._settings.kind_image:
            if not self._engine.has_image(given):
                self._engine.run("pull", given, timeout=_PULL_SECONDS)
            return given
        if not private and self._settings.parts != "build" and (image := self._upstream_image()):
            return image
        layout = self._components.image_layout(LOCAL_IMAGE)
        (described,) = json.loads((layout / "manifest.json").read_text())
        reference = str(described["RepoTags"][0])
        if not self._engine.has_image(reference):
            self._engine.load(layout)
        return reference

    def _upstream_image(self) -> str | None:
        """Return upstream's node image, None where the engine can neither find nor pull it."""
        mirror = mirrors(self._settings.mirror).get("docker.io")
        names = [UPSTREAM_IMAGE, f"{mirror}/{UPSTREAM_IMAGE}"] if mirror else [UPSTREAM_IMAGE]
        for name in names:
            if self._engine.has_image(name):
                return name
        pulled = self._engine.attempt("pull", names[-1], timeout=_PULL_SECONDS)
        return names[-1] if pulled.returncode == 0 else None

    def _create(self) -> None:
        """Make the node and wait until it is Ready and has its registry."""
        configuration = self._ownership.folder.path / "kind.yaml"
        made_here = self._components.image_reference(LOCAL_IMAGE).removeprefix("docker.io/")
        node = configuration_of(self._engine, mark=self._mark, of_upstream=self._image != made_here)
        configuration.write_text(yaml.safe_dump(node))
        kind = self._pytest_kind()
        failed = threading.Event()
        started = time.monotonic()
        with ThreadPoolExecutor(1) as executor:
            # While kubeadm does its work.
            services = executor.submit(self._install_services, failed)
            try:
                kind.create(configuration)
            except BaseException as error:
                failed.set()
                if not isinstance(error, subprocess.CalledProcessError):
                    raise
                late = time.monotonic() - started > kind_command.SECONDS
                how = f"did not end within {kind_command.SECONDS} s" if late else "failed"
                raise HarnessError(
                    f"kind {how} at making the node; the end of its log:\n"
                    f"{log_tail(kind_command.log(self._ownership.folder), lines=30)}",
                    "run `stackspin-conformance doctor`, which says what this host lacks",
                ) from error
            services.result()
        with contextlib.closing(self._kube()) as kube:
            apply(kube, registry_hint(self.registry or ""))
            if kube.find(*STORAGE_CLASS):
                kube.delete(*STORAGE_CLASS)
            self._wait_ready(kube)

    def _pytest_kind(self) -> PytestKind:
        from pytest_kind import KindCluster as PytestKind  # noqa: PLC0415 - imports pykube

        made = PytestKind(
            self.name,
            kubeconfig=self.kubeconfig,
            image=self._image,
            kind_path=self._kind(),
            kubectl_path=self._components.binary("kubectl"),
        )
        for folder in (made.path, made.path.parent):  # made for downloads; there are none
            with contextlib.suppress(OSError):
                folder.rmdir()
        return made

    def _kind(self) -> Path:
        """Return a script that runs the pinned kind with this engine, and keeps its log."""
        program = self._components.binary("kind")
        return kind_command.write(self._ownership.folder, program, self._engine.environment)

    def _install_services(self, failed: threading.Event) -> None:
        """Give the node the registry, as the mirror of all others, and a rule that refuses.

        May begin before there is a node; ends when it ``failed``.
        """
        program = self._components.path("registry") / "registry"
        archive = kind_services.archive(program)
        steps: tuple[Callable[[], str], ...] = (
            self._missing,
            partial(self._problem, ["tar", "--extract", "--directory=/"], archive),
            partial(self._problem, ["systemctl", "enable", "--now", *kind_services.UNITS]),
        )
        deadline = time.monotonic() + self._settings.timeouts.node_ready
        for step in steps:
            while problem := step():
                if failed.is_set() or time.monotonic() > deadline:
                    raise HarnessError(f"the node's registry did not start: {problem}")
                time.sleep(0.1)  # its systemd does not answer yet

    def _missing(self) -> str:
        """Return why nothing may be done to the node yet: its name alone does not make it ours."""
        return "" if docker.marked(self._engine, self._mark) else "there is no container"

    def _problem(self, argv: Sequence[str], stdin: bytes | None = None) -> str:
        """Run a command in the node; return why it failed, or nothing."""
        answer = self.node_run(argv, stdin=stdin)
        said = answer.stderr.decode(errors="replace").strip()
        return f"status {answer.returncode}: {said}" if answer.returncode else ""

    def _resume(self) -> None:
        """Use a kept cluster; start its engine and its node if they ended meanwhile."""
        if outside := self._ownership.record.outside:
            self._engine = outside.engine
        else:
            if not self._ownership.runs:
                self._ownership.clear_for_restart()
                self._private.restart()
                self._ownership.keep_restarted()
            self._engine = self._private.engine()
        if self._inspect("{{.State.Running}}") != "true":
            self.restart_node()

    def _wait_ready(self, kube: Kube, since: float = 0.0) -> None:
        """Wait until the node says after ``since`` (seconds since the epoch) that it is Ready."""
        timeout = self._settings.timeouts.node_ready
        deadline = time.monotonic() + timeout
        while True:
            try:
                kube.transport.request("GET", "/readyz")
                break
            except (ApiError, Unreachable):  # until then it may deny what it allows later
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        condition = matching("Ready", partial(is_ready, since=since))
        wait(kube, Ref("v1", "Node", self._node), condition, timeout=timeout)

    def _kube(self) -> Kube:
        return Kube(self.kubeconfig, timeouts=self._settings.timeouts)

    def _inspect(self, template: str) -> str:
        return self._engine.run("inspect", "--format", template, self._node)
