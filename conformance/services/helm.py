"""The helm binary as an operator uses it: typed results, errors with helm's own message."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from conformance.common.transcript import record

_MARGIN = 15.0
"""Seconds that helm may take beyond its own time-out before it is killed."""


class HelmError(Exception):
    """Helm refused or failed; ``message`` is its standard error without the word Error."""

    def __init__(self, command: str, message: str) -> None:
        super().__init__(f"helm {command}: {message}")
        self.command = command
        self.message = message


@dataclass(frozen=True)
class Release:
    """One revision of a release."""

    name: str
    namespace: str
    revision: int
    status: str
    """deployed, superseded, failed, pending-upgrade ..."""
    chart: str
    """Name and version, as in ``notes-1.0.0``."""
    description: str


class Helm:
    """Helm on one cluster. Every method raises ``HelmError``; time-outs are in seconds."""

    def __init__(self, binary: Path, kubeconfig: Path, context: str | None = None) -> None:
        self._binary = binary
        self._kubeconfig = kubeconfig
        self._context = context

    def install(
        self,
        name: str,
        chart: Path,
        namespace: str,
        values: Mapping[str, Any] | None = None,
        *,
        timeout: float = 120.0,
    ) -> Release:
        """Install ``chart`` as release ``name``; return when its pods are Ready."""
        return self._deploy("install", (name, str(chart)), namespace, values, timeout)

    def upgrade(
        self,
        name: str,
        chart: Path,
        namespace: str,
        values: Mapping[str, Any] | None = None,
        *,
        timeout: float = 120.0,
    ) -> Release:
        """Upgrade a release to ``chart`` with exactly ``values`` (none of the previous ones)."""
        arguments = (name, str(chart), "--reset-values")
        return self._deploy("upgrade", arguments, namespace, values, timeout)

    def _deploy(
        self,
        command: str,
        arguments: Sequence[str],
        namespace: str,
        values: Mapping[str, Any] | None,
        timeout: float,
    ) -> Release:
        waiting = ("--wait", "--timeout", f"{timeout:.0f}s", "--output", "json")
        output = self._run(
            command,
            *(*arguments, "--namespace", namespace, *waiting),
            values=values,
            timeout=timeout,
        )
        return _release(json.loads(output))

    def rollback(
        self,
        name: str,
        namespace: str,
        revision: int = 0,
        *,
        timeout: float = 120.0,
    ) -> Release:
        """Roll back to ``revision``, 0 being the previous one; return the release as it is then."""
        waiting = ("--wait", "--timeout", f"{timeout:.0f}s")
        self._run(
            "rollback", name, str(revision), "--namespace", namespace, *waiting, timeout=timeout
        )
        return self.status(name, namespace)

    def uninstall(self, name: str, namespace: str, *, timeout: float = 120.0) -> None:
        """Uninstall a release; return when its objects are gone."""
        waiting = ("--wait", "--timeout", f"{timeout:.0f}s")
        self._run("uninstall", name, "--namespace", namespace, *waiting, timeout=timeout)

    def status(self, name: str, namespace: str) -> Release:
        """Return the newest revision of a release."""
        return self.history(name, namespace)[-1]

    def history(self, name: str, namespace: str) -> list[Release]:
        """Return every revision that helm keeps, oldest first."""
        output = self._run("history", name, "--namespace", namespace, "--output", "json")
        return [
            Release(
                name=name,
                namespace=namespace,
                revision=int(item["revision"]),
                status=item["status"],
                chart=item["chart"],
                description=item["description"],
            )
            for item in json.loads(output)
        ]

    def manifest(self, name: str, namespace: str) -> list[dict[str, Any]]:
        """Return the objects of the newest revision, as helm applied them."""
        output = self._run("get", "manifest", name, "--namespace", namespace)
        return [item for item in yaml.safe_load_all(output) if item]

    def template(
        self, chart: Path, namespace: str, values: Mapping[str, Any] | None = None, name: str = "x"
    ) -> list[dict[str, Any]]:
        """Render a chart without a cluster."""
        output = self._run(
            "template", name, str(chart), "--namespace", namespace, values=values or {}
        )
        return [item for item in yaml.safe_load_all(output) if item]

    def _run(
        self,
        command: str,
        *arguments: str,
        values: Mapping[str, Any] | None = None,
        timeout: float = 45.0,
    ) -> str:
        argv = [str(self._binary), command, *arguments]
        if self._context is not None:
            argv += ["--kube-context", self._context]
        if values is not None:
            argv += ["--values", "-"]  # by standard input: values may hold secrets
        try:
            result = subprocess.run(
                argv,
                env=_environment(self._kubeconfig),
                input=None if values is None else json.dumps(values).encode(),
                stdin=subprocess.DEVNULL if values is None else None,
                capture_output=True,
                timeout=timeout + _MARGIN,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise HelmError(command, f"did not end within {error.timeout:.0f} s") from error
        record(shlex.join(["helm", command, *arguments]), f"exit status {result.returncode}")
        if result.returncode != 0:
            message = result.stderr.decode(errors="replace").strip()
            raise HelmError(command, message.removeprefix("Error: "))
        return result.stdout.decode()


def _environment(kubeconfig: Path) -> dict[str, str]:
    """Return an environment in which helm reads and writes no file but the kubeconfig."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "KUBECONFIG": str(kubeconfig),
        "KUBECACHEDIR": os.devnull,  # no folder can be made in it, and helm does without
        **dict.fromkeys(
            ("HOME", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"), "/nonexistent"
        ),
    }


def _release(answer: dict[str, Any]) -> Release:
    chart = (answer.get("chart") or {}).get("metadata") or {}
    return Release(
        name=answer["name"],
        namespace=answer["namespace"],
        revision=int(answer["version"]),
        status=answer["info"]["status"],
        chart=f"{chart.get('name')}-{chart.get('version')}",
        description=answer["info"].get("description", ""),
    )
