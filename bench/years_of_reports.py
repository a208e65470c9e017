"""A year of nightly reports, made of the published example: a real run with evidence left out."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from conformance.common.settings import PROJECT_ROOT

FIRST_NIGHT = datetime(2025, 12, 1, 2, 0, tzinfo=UTC)
FLAKY = "backup_restore.restores_into_other_namespace"
BROKEN = "single_sign_on.recovery"
SLOWED = "dashboard.configures_app"


def write_year(reports: Path, nights: int, *, broke_at: int, every: int = 29) -> list[Path]:
    """Write ``nights`` reports; return their folders.

    A check flakes each ``every`` nights, for one night; another fails from night ``broke_at`` on,
    with the suite's first commit since the beginning; a third takes three times as long as of then.
    """
    example = json.loads((PROJECT_ROOT / "reports/example/report.json").read_bytes())
    noise = random.Random(20)  # noqa: S311 - the same year in each test
    return [
        _write(
            reports, example, night, broke=night >= broke_at, flakes=night % every == 7, noise=noise
        )
        for night in range(nights)
    ]


def checks_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all checks of a report.json."""
    return [check for one in document["capabilities"] for check in one["checks"]]


def _write(
    reports: Path,
    example: dict[str, Any],
    night: int,
    *,
    broke: bool,
    flakes: bool,
    noise: random.Random,
) -> Path:
    started = FIRST_NIGHT + timedelta(days=night)
    document: dict[str, Any] = json.loads(json.dumps(example))
    document |= {
        "runId": f"n{night:05d}",
        "startedAt": started.isoformat(),
        "writtenAt": started.isoformat(),
        "seconds": round(example["seconds"] * noise.uniform(0.95, 1.1), 1),
        "suiteCommit": "bbbbbbbbbbbb" if broke else "aaaaaaaaaaaa",
    }
    for check in checks_of(document):
        check["seconds"] = round(check["seconds"] * noise.uniform(0.9, 1.15), 3)
        check["evidence"] = []
        failed = (broke and check["id"] == BROKEN) or (flakes and check["id"] == FLAKY)
        if failed and check["verdict"] == "pass":
            check |= {"verdict": "fail", "reason": f"AssertionError: {check['promise']}"}
            document["verdict"] = "fail"
        if broke and check["id"] == SLOWED:
            check["seconds"] = round(3 * check["seconds"] + 6, 3)
    folder = reports / f"{started:%Y%m%dT%H%M%SZ}-{document['runId']}"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(document), encoding="utf-8")
    return folder
