"""What one run is: its options, its report, and how it keeps secrets out of that."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from conformance.common.options import options
from conformance.common.redaction import Redactor
from conformance.common.settings import Settings
from conformance.platform.description import FILE
from conformance.platform.installed.given import GivenPlatform
from conformance.report.host import describe_host, suite_commit
from conformance.report.model import RunReport
from conformance.report.recorder import Recorder
from conformance.report.sweep import SHORTEST, PlantedSecret, sweep
from conformance.suite.terminal import Terminal

_PASSWORD = re.compile(r"(?<=://)[^/\s]*@")
"""User and password in the URL of a repository."""
RUN: pytest.StashKey[Run] = pytest.StashKey()
"""Where pytest keeps the run; only set when there are checks to run."""


@dataclass(frozen=True)
class Run:
    """One run. What it brings up is held by fixtures; see ``under_test.UnderTest``."""

    settings: Settings
    recorder: Recorder
    redactor: Redactor
    twins: bool
    terminal: Terminal
    given: GivenPlatform | None = None
    """The platform that is on the cluster already; None: the suite installs the reference one."""
    planted: PlantedSecret = field(default_factory=PlantedSecret)

    @classmethod
    def begin(
        cls,
        settings: Settings,
        *,
        twins: bool,
        selection: list[str],
        terminal: Terminal,
        given: GivenPlatform | None = None,
    ) -> Run:
        """Start a run: from now on there is a report, whatever happens."""
        redactor = Redactor()
        report = RunReport(
            suite_version=metadata.version("stackspin-conformance"),
            suite_commit=suite_commit(),
            run_id=settings.run_id,
            mode="twins" if twins else "checks",
            state="running",
            started_at=(now := Recorder.now()),
            written_at=now,
            process=os.getpid(),
            seconds=0.0,
            command=[Path(sys.argv[0]).name, *(_PASSWORD.sub("***@", one) for one in sys.argv[1:])],
            selection=selection,
            host=describe_host(),
            settings=_reported(settings),
        )
        recorder = Recorder(settings.reports_dir, report, redactor)
        if given is not None:
            (recorder.folder / FILE).write_text(given.description, encoding="utf-8")
        return cls(settings, recorder, redactor, twins, terminal, given)

    def end(self, *, complete: bool) -> None:
        """Write the final report, and search it for secrets."""
        self.recorder.finish(complete=complete)
        if leaks := sweep(
            self.recorder.folder, self.planted.values, self.redactor.learnt(SHORTEST)
        ):
            self.recorder.error(f"A secret value is in the report: {', '.join(leaks)}")
            self.recorder.write()
        self.terminal.close()


def _reported(settings: Settings) -> dict[str, Any]:
    """Return the options that the report shows."""
    values = {
        each.key: getattr(settings, each.field) for each in options(Settings) if each.reported
    }
    return values if settings.cluster == "kind" else {**values, "docker": None}
