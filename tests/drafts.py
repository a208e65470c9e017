"""Charts that have no Flux package, and what ``app --init`` makes of copies of them."""

from __future__ import annotations

import shutil
from pathlib import Path

from linter_packages import GOOD

from conformance.apps.package.description import read_description
from conformance.apps.package.model import Description
from conformance.common.settings import PROJECT_ROOT
from conformance.linter.draft.init import Draft
from conformance.linter.lint import AppResult, lint

CHARTS = {
    "notes": PROJECT_ROOT / "charts" / "notes",
    "wordpress": PROJECT_ROOT / "charts" / "wordpress",
    "polls": GOOD / "single-chart",
    "board": GOOD / "flux-app" / "charts" / "board",
    "wiki": GOOD / "existing-claims" / "helm" / "wiki",
    "pad": GOOD / "no-login" / "charts" / "pad",
}


def copied(source: Path, folder: Path) -> Path:
    undescribed = shutil.ignore_patterns("conformance.yaml")
    return shutil.copytree(source, folder / source.name, ignore=undescribed)


def only(path: Path) -> AppResult:
    [found] = lint(path).apps
    return found


def read(root: Path, draft: Draft) -> Description:
    [path] = [path for path in draft.files if path.endswith("conformance.yaml")]
    return read_description(root / path)
