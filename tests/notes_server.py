"""The notes app as a process on loopback, its image built by hand: the source and a VERSION."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from conformance.common.settings import PROJECT_ROOT

APP = PROJECT_ROOT / "fixtures" / "apps" / "notes"


def build(folder: Path, version: str) -> Path:
    """Return a folder for PYTHONPATH with the app as the image of ``version`` has it."""
    shutil.copytree(APP / "notes", folder / "notes", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "notes" / "VERSION").write_text(version + "\n")
    return folder


class Host:
    """A volume and a configuration on which commands of any version run."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.configuration = folder / "etc"
        self.log = folder / "notes.log"
        self.maintenance = folder / "maintenance"
        self.data.mkdir()
        self.configuration.mkdir()
        shutil.copy(APP / "default.toml", self.configuration)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        self.environment = {
            "NOTES_DATA_DIRECTORY": str(self.data),
            "NOTES_LOG_FILE": str(self.log),
            "NOTES_MAINTENANCE_FILE": str(self.maintenance),
            "NOTES_PORT": self.url.rpartition(":")[2],
        }
        self.session = requests.Session()
        # Refused before a server listens; reset while the one killed before it is going away.
        retry = Retry(total=60, backoff_factor=0.02, backoff_max=0.2)
        self.session.mount("http://", HTTPAdapter(max_retries=retry))
        self._process: subprocess.Popen[str] | None = None

    def run(self, source: Path, command: str) -> subprocess.CompletedProcess[str]:
        """Run ``serve`` or ``migrate`` of a version to its end."""
        return subprocess.run(
            self._argv(command),
            env=self._environment(source),
            text=True,
            capture_output=True,
            timeout=10,
            check=False,
        )

    def serve(self, source: Path) -> None:
        """Start the server of a version; returns when it answers."""
        self._process = subprocess.Popen(
            self._argv("serve"), env=self._environment(source), text=True, start_new_session=True
        )
        self.session.get(f"{self.url}/health/live", timeout=5).raise_for_status()

    def kill(self) -> None:
        """SIGKILL the server and its worker at once."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self.session.close()
            self._process = None

    def _argv(self, command: str) -> list[str]:
        program = f"from notes.{command} import main; main()"
        return [sys.executable, "-c", program, "--configuration", str(self.configuration)]

    def _environment(self, source: Path) -> dict[str, str]:
        return {**os.environ, **self.environment, "PYTHONPATH": str(source)}
