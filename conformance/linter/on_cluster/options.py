"""``--cluster`` and what belongs to it, as options of ``stackspin-conformance app``."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from conformance.common.options import add_argument, options, read
from conformance.common.settings import Settings

_OPTIONS = {each.field: each for each in options(Settings)}
_PROVIDERS = _OPTIONS["cluster"].choices
_REACHES = _OPTIONS["app_allow"].choices
_PASSED_ON = ("cluster_name", "keep_cluster", "kubeconfig", "context", "platform")
"""Options of a run of the suite that are as they are there."""
_TEXTS = {
    "platform": "for existing: the platform.yaml of the Stackspin on the cluster, or discover"
}
"""What is said of such an option here, where it can do less."""
_SNAPSHOT = "auto"
"""Unlike in a run of the suite: the platform is not what is under test here."""
_OWN_FOLDER = "apps"
"""Reports of apps are beside those of the suite's main job, which are not compared with them."""
_MINUTES = 10


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    group = parser.add_argument_group(
        "on a cluster", 'Levels 4 to 6. They need the extra "cluster": see docs/app-packages.md.'
    )
    group.add_argument(
        "--cluster",
        nargs="?",
        const=Settings.cluster,
        choices=_PROVIDERS,
        metavar="PROVIDER",
        help=f"run the apps on Stackspin, too, on a cluster of this provider: "
        f"{', '.join(_PROVIDERS)} (default: {Settings.cluster})",
    )
    group.add_argument(
        "--time",
        type=_minutes,
        metavar="MINUTES",
        help=f"how long one app may take on the cluster (default: {_MINUTES})",
    )
    group.add_argument(
        "--allow",
        action="append",
        choices=_REACHES,
        metavar="WHAT",
        help="what the apps may reach beyond their own objects: those of the whole cluster "
        "(cluster), those of the platform and of other apps (platform), the node's files, network "
        "and processes (node); may be repeated (default: nothing)",
    )
    group.add_argument(
        "--snapshot",
        choices=_OPTIONS["snapshot"].choices,
        help=f"{_OPTIONS['snapshot'].help} (default: {_SNAPSHOT})",
    )
    for field in _PASSED_ON:
        add_argument(group, Settings, field, text=_TEXTS.get(field, ""))
    group.add_argument(
        "--reports-dir",
        type=Path,
        metavar="FOLDER",
        help="folder for reports (default: reports/apps)",
    )


def with_provider(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the provider that holds where ``--cluster`` names none.

    So ``--cluster PATH`` is about that PATH. Raises ValueError for an environment variable.
    """
    found = list(arguments)
    for number, (one, following) in enumerate(pairwise([*arguments, ""])):
        if one == "--":
            break
        if one == "--cluster" and following not in _PROVIDERS:
            found[number] = f"--cluster={_environment().get('cluster', Settings.cluster)}"
    return found


def without_cluster(given: argparse.Namespace) -> list[str]:
    """Return which of the options were given that say nothing without ``--cluster``."""
    names = ("time", "allow", "snapshot", *_PASSED_ON, "reports_dir")
    return [
        f"--{name.replace('_', '-')}"
        for name in names
        if (value := getattr(given, name)) and value != getattr(Settings, name, None)
    ]


def reports_folder(given: argparse.Namespace) -> Path:
    """Return the folder for the reports of the runs. Raises ValueError as ``with_provider``."""
    if given.reports_dir is not None:
        return Path(given.reports_dir)
    return Path(os.path.relpath(str(_environment().get("reports_dir", "reports")))) / _OWN_FOLDER


def for_pytest(given: argparse.Namespace) -> list[str]:
    """Return the options of the run: which apps, and where."""
    found = [f"--app={path}" for path in given.paths]
    found.append(f"--cluster={given.cluster}")
    if given.snapshot or "snapshot" not in _environment():
        found.append(f"--snapshot={given.snapshot or _SNAPSHOT}")
    for name in _PASSED_ON:
        value = getattr(given, name)
        if value and value != getattr(Settings, name):
            flag = f"--{name.replace('_', '-')}"
            found.append(flag if value is True else f"{flag}={value}")
    if given.app_description is not None:
        found.append(f"--app-description={given.app_description}")
    if given.previous is not None:
        found.append(f"--previous={given.previous}")
    found += [f"--app-allow={one}" for one in given.allow or ()]
    if given.fetch:
        found.append("--app-fetch")
    if given.time is not None:
        found.append(f"--app-time={given.time:g}")
    return found


def _environment() -> dict[str, object]:
    """Return the options that environment variables set. Raises ValueError."""
    return read(Settings, lambda _: None, os.environ)


def _minutes(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (number := float(text)) < math.inf:
            return number
    raise argparse.ArgumentTypeError(f"{text} is not a number of minutes above 0")
