"""Broken twins: for each check, the same set-up with one deliberate defect.

With ``--twins`` every selected check runs against its twin and must fail, for the expected
reason. If a check passes on its twin, its passing in a normal run proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from conformance.common import settings
from conformance.common.errors import HarnessError

SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["check", "defect", "expect"],
        "properties": {
            "check": {"type": "string", "pattern": r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"},
            "defect": {"type": "string", "minLength": 10},
            "expect": {"type": "string", "minLength": 3},
            "app": {"type": "string", "minLength": 1},
            "by": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
            "settings": {"type": "object", "additionalProperties": {"type": "string"}},
            "patches": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["path", "find", "replace"],
                    "properties": {
                        "path": {"type": "string", "pattern": "^(charts|fixtures)/"},
                        "find": {"type": "string", "minLength": 1},
                        "replace": {"type": "string"},
                    },
                },
            },
        },
    },
}


@dataclass(frozen=True)
class Patch:
    """One edit of a file under ``charts/`` or ``fixtures/``."""

    path: str
    find: str
    """Must occur exactly once in the file, so that no twin silently loses its defect."""
    replace: str

    def apply(self, root: Path) -> None:
        """Edit the copy under ``root``.

        Raises:
            HarnessError: there is no such file, or ``find`` does not occur exactly once in it.
        """
        path = root / self.path
        if not path.is_file():
            raise HarnessError(
                f"A twin patches {self.path}, which does not exist.",
                "Correct the path in fixtures/twins/.",
            )
        text = path.read_text(encoding="utf-8")
        if (times := text.count(self.find)) != 1:
            raise HarnessError(
                f"A twin's patch expects {self.find!r} once in {self.path}; found {times} times.",
                "Bring the twin's `find` in fixtures/twins/ up to date with the file.",
            )
        path.write_text(text.replace(self.find, self.replace), encoding="utf-8")


@dataclass(frozen=True)
class Twin:
    """A defect, and the failure by which its check must find it."""

    check: str
    defect: str
    """What is wrong, in one sentence."""
    expect: str
    """Regular expression found in the text of the failure."""
    patches: tuple[Patch, ...] = ()
    by: str | None = None
    """The fixture that installs the defect: of ``capabilities/NAME/defects.py`` or the suite's."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What that fixture is told, so that one fixture can install several defects."""
    app: str | None = None
    """Which of the check's apps has the defect; None: the first."""

    def expects(self, failure: str) -> bool:
        """Whether the check failed for the expected reason."""
        return re.search(self.expect, failure, re.DOTALL) is not None


def load_file(path: Path) -> list[Twin]:
    """Return the twins in one file.

    Raises:
        HarnessError: the file is not a valid list of twins; names the file and the entry.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise HarnessError(
            f"{path.name} is not valid YAML: {error}",
            "Quote text that contains a colon, or use a block scalar.",
        ) from error
    try:
        jsonschema.validate(entries, SCHEMA)
        for entry in entries:
            re.compile(entry["expect"])
    except (jsonschema.ValidationError, re.error) as error:
        where = error.json_path if isinstance(error, jsonschema.ValidationError) else entry["check"]
        text = getattr(error, "message", str(error))
        raise HarnessError(
            f"{path.name}: {where}: {text}",
            "See conformance/suite/twins.py for the form of a twin.",
        ) from error
    return [
        Twin(
            check=entry["check"],
            defect=entry["defect"],
            expect=entry["expect"],
            patches=tuple(Patch(**patch) for patch in entry.get("patches", ())),
            by=entry.get("by"),
            settings=entry.get("settings", {}),
            app=entry.get("app"),
        )
        for entry in entries
    ]


def load_twins(root: Path | None = None) -> dict[str, list[Twin]]:
    """Return every twin in ``fixtures/twins/CAPABILITY.yaml`` by check id.

    Raises:
        HarnessError: a file is not valid, or has a twin of another capability's check.
    """
    folder = (root or settings.data_root()) / "fixtures" / "twins"
    found: dict[str, list[Twin]] = {}
    for path in sorted(folder.glob("*.yaml")):
        for twin in load_file(path):
            if not twin.check.startswith(f"{path.stem}."):
                raise HarnessError(
                    f"{path.name}: the twin of {twin.check} belongs to another file.",
                    f"Move it to {twin.check.partition('.')[0]}.yaml.",
                )
            found.setdefault(twin.check, []).append(twin)
    return found


def twin_of(item: pytest.Item) -> Twin | None:
    """Return the twin this test runs against; None in a normal run."""
    callspec = getattr(item, "callspec", None)
    twin = callspec.params.get("twin") if callspec else None
    return twin if isinstance(twin, Twin) else None


@dataclass(frozen=True)
class Judgement:
    """What a run against a twin proved about the check."""

    caught: bool
    reason: str


def judge(twin: Twin, failure: str | None) -> Judgement:
    """Judge a check by its failure on the twin; None when it passed."""
    if failure is None:
        return Judgement(False, f"the check passed on its twin: {twin.defect}")
    if twin.expects(failure):
        return Judgement(True, f"caught: {twin.check} by {twin.expect!r}")
    return Judgement(
        False,
        f"failed on its twin ({twin.defect}), but for another reason:\n"
        f"expected: {twin.expect}\nfound:    {failure}",
    )
