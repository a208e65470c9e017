"""A run on kind with an empty cache whose parts are all pulled: nothing is compiled for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import stand_ins

from conformance.common.settings import PROJECT_ROOT, Settings
from conformance.components.builder import Components
from conformance.components.catalogue import part
from conformance.components.parts import CPart, GoPart
from conformance.oci.registry import Registry

CHECK = "persistent_storage.claim_binds"
"""It needs the platform, and no image of an app."""
SECONDS = 900.0


def test_nothing_is_compiled_where_all_can_be_pulled(registry: Registry, tmp_path: Path) -> None:
    built = Components(Settings(parts="build"))
    stand_ins.fill(registry, built, tmp_path / "programs")
    built.close()
    reports = tmp_path / "reports"
    arguments = [
        *("-m", "pytest", "conformance/capabilities", "-p", "no:cacheprovider", "-k", CHECK),
        *("--cluster=kind", "--docker=start", "--cluster-name=pulled", "--parts=pull"),
        *(f"--mirror={one}" for one in stand_ins.mirrors(registry)),
        f"--reports-dir={reports}",
    ]
    finished = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, "STACKSPIN_CONFORMANCE_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    report = json.loads((reports / "latest" / "report.json").read_text())
    how = {one["name"]: one["how"] for one in report["obtained"]}
    assert how["kind"] == how["image-traefik"] == how["image-helm-controller"] == "pulled"
    compiled = [name for name, way in how.items() if way == "built" and is_compiled(name)]
    assert compiled == []


def is_compiled(name: str) -> bool:
    return isinstance(part(name), GoPart | CPart)
