"""A Docker engine, by its command line client: what kind's nodes are containers of."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from conformance.common.errors import HarnessError
from conformance.common.timeouts import Timeouts
from conformance.components.debian import system_environment

CLUSTER_LABEL = "io.x-k8s.kind.cluster"
"""By which kind itself finds a cluster's nodes."""
_CONNECTION = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "HOME")


def environment() -> dict[str, str]:
    """Return the environment of a Docker client: the user's choice of an engine, nothing else."""
    told = {name: os.environ[name] for name in _CONNECTION if name in os.environ}
    return system_environment(**told)


@dataclass(frozen=True)
class Engine:
    """One engine. Methods raise ``HarnessError`` with the client's last words."""

    environment: Mapping[str, str] = field(default_factory=environment)
    """Of every client of it, kind included."""
    address: str = "127.0.0.1"
    """IP address at which the ports that it publishes are reached from here."""
    api_port: int = 0
    """Port to publish the API server at; 0 means any that is free, which kind looks for here."""
    timeouts: Timeouts = field(default_factory=Timeouts)

    def run(
        self, *arguments: str | Path, stdin: bytes | None = None, timeout: float | None = None
    ) -> str:
        """Run ``docker ARGUMENTS`` and return what it prints.

        ``timeout`` in seconds; None means ``timeouts.command``.
        """
        answer = self.attempt(*arguments, stdin=stdin, timeout=timeout)
        if answer.returncode:
            lines = answer.stderr.decode(errors="replace").strip().splitlines() or ["no answer"]
            raise HarnessError(f"docker {arguments[0]}: {lines[-1]}")
        return answer.stdout.decode(errors="replace").strip()

    def attempt(
        self, *arguments: str | Path, stdin: bytes | None = None, timeout: float | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run ``docker ARGUMENTS``; a status other than 0 is the caller's business."""
        seconds = timeout or self.timeouts.command
        try:
            return subprocess.run(
                ["docker", *arguments],
                env=dict(self.environment),
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except FileNotFoundError as error:
            raise HarnessError("there is no Docker client here", "install one") from error
        except subprocess.TimeoutExpired as error:
            raise HarnessError(
                f"docker {' '.join(map(str, arguments))} did not end within {seconds:g} s"
            ) from error

    def version(self) -> str | None:
        """Return the engine's version; None where no engine answers."""
        if not shutil.which("docker", path=self.environment["PATH"]):
            return None
        try:
            return self.run("version", "--format", "{{.Server.Version}}")
        except HarnessError:
            return None

    def has_image(self, reference: str) -> bool:
        """Whether the engine has an image."""
        return self.attempt("image", "inspect", reference).returncode == 0

    def load(self, folder: Path) -> None:
        """Load the images of an unpacked archive of ``docker save``."""
        command = ["tar", "--create", f"--directory={folder}", "."]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as archive:
            answer = subprocess.run(
                ["docker", "load", "--quiet"],
                env=dict(self.environment),
                stdin=archive.stdout,
                capture_output=True,
                check=False,
            )
        if answer.returncode or archive.returncode:
            said = answer.stderr.decode(errors="replace").strip()
            raise HarnessError(f"docker load: {said or 'the archive could not be read'}")

    def can_get(self, reference: str) -> bool:
        """Whether the engine has an image, or its registry says that it does."""
        return self.has_image(reference) or (
            self.attempt("manifest", "inspect", reference).returncode == 0
        )


def running() -> Engine:
    """Return the engine that the user's own ``docker`` speaks to; it may not answer."""
    return Engine()


def nodes(engine: Engine, cluster: str) -> list[str]:
    """Return the containers of the kind cluster of this name, whoever made it."""
    return _containers(engine, f"label={CLUSTER_LABEL}={cluster}")


def marked(engine: Engine, mark: str) -> list[str]:
    """Return the containers in which something is mounted at the path ``mark``."""
    return _containers(engine, f"volume={mark}")


def _containers(engine: Engine, which: str) -> list[str]:
    return engine.run("ps", "--all", "--quiet", f"--filter={which}").split()


@dataclass(frozen=True)
class Outside:
    """Where the node of a cluster is when its engine is not ours. Part of the cluster's record."""

    environment: dict[str, str]
    """Of the engine's clients: a later command may run in another one."""
    mark: str
    """By which the node's container is told from one of the same name that others made."""

    @property
    def engine(self) -> Engine:
        """The engine, wherever the user's own ``docker`` points by now."""
        return Engine(self.environment)

    def remove(self) -> None:
        """Remove the node and its volumes; none is no error."""
        while found := marked(self.engine, self.mark):  # again: one was just being made, maybe
            self.engine.run("rm", "--force", "--volumes", *found)
