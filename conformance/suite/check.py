"""What a check is: data first (id, level, promise, needs), then a few lines of test.

A check is an ordinary pytest test in a file of the folder ``conformance/capabilities/CAPABILITY``::

    @check(
        "persistent_storage.survives_pod_deletion",
        promise="Data on a persistent volume survives the deletion of the pod that wrote it.",
    )
    def test_survives_pod_deletion(...) -> None: ...

Its level is a pytest marker, so ``-m core``, ``-k`` and ``--collect-only`` work as usual. A check
that can run on several apps says on which it runs, and at which level on each::

    @check(..., apps=core("notes") | extended("wordpress"))
    def test_survives_pod_deletion(app: App, ...) -> None: ...
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NoReturn, TypeVar, cast

import pytest
from _pytest.outcomes import Skipped

from conformance.apps.package.abilities import Ability
from conformance.clusters.base import Feature
from conformance.platform.features import PlatformFeature
from conformance.report.level import Level

CAPABILITIES = (
    "container_builds",
    "persistent_storage",
    "chart_deployment",
    "auto_update",
    "single_sign_on",
    "update_pipeline",
    "backup_restore",
    "dashboard",
    "disaster_recovery",
    "platform_upgrade",
    "operations",
    "app_runs",
    "app_data",
    "app_login",
)
"""In the order in which they run: those that need the fewest components come first, so that a
machine with an empty cache reports early, while it still builds parts for the later ones."""

_ID = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
AppLevel = Literal[4, 5, 6]
"""Of an app package: it runs, its data is safe, people log in once (docs/app-packages.md)."""
Touches = Literal["own", "platform", "node"]
"""What a check does something to: what the suite made itself, the platform, the node."""
_FunctionT = TypeVar("_FunctionT", bound=Callable[..., Any])


@dataclass(frozen=True)
class Check:
    """One verified promise of the platform."""

    id: str
    """``CAPABILITY.name``: stable, because reports of different runs are compared by it."""
    level: Level
    promise: str
    """What Stackspin promises, in one sentence."""
    needs: tuple[Feature, ...] = ()
    """What the provider must be able to do; on one that cannot, the check is "not run"."""
    apps: Mapping[str, Level] = field(default_factory=dict)
    """The apps it runs on, and its level on each; empty if it is not about a particular app."""
    app_level: AppLevel | None = None
    """The level of an app package that it decides on; None: it is not about app packages."""
    abilities: tuple[Ability, ...] = ()
    """What the app must be able to do; on one that cannot, the check does not apply."""
    last: bool = False
    """Whether it comes after the app's other checks: it takes away what they share."""
    touches: Touches = "own"
    """What it does something to: on somebody's own platform only ``own`` runs unasked."""
    effect: str = ""
    """What it does to the platform or the node, as "restarts Hydra"; empty for ``own``."""
    features: tuple[PlatformFeature, ...] = ()
    """What the platform must claim; on one that does not, the check does not apply."""

    def on(self, app: str) -> Check:
        """Return the check with its level on one of its apps."""
        return replace(self, level=self.apps[app])

    def each(self, given: Collection[str] = ()) -> Iterator[tuple[str | None, Check]]:
        """Yield each of its apps with the check for that app; None if it has no apps.

        With ``given`` apps (``--app``) these are its apps, if it is about app packages at all.
        """
        if given:
            yield from ((app, self) for app in given if self.app_level)
            return
        if not self.apps:
            yield None, self
        for app in self.apps:
            yield app, self.on(app)

    @property
    def capability(self) -> str:
        """The part of the id before the dot: the name of the folder that its file is in."""
        return self.id.partition(".")[0]


class NotRun(Skipped):
    """The check could not run here; if it is core, its capability is "partial"."""


class NotApplicable(Skipped):
    """The promise says nothing about the app under test, or about the platform."""


class Exempt(NotRun):
    """The platform's description exempts this check by its id."""


class NotClaimed(NotApplicable):
    """The platform does not claim a feature that the check is about."""


def not_run(reason: str) -> NoReturn:
    """End this check as "not run"; the report shows ``reason``, which says what is missing."""
    raise NotRun(reason)


def not_applicable(reason: str) -> NoReturn:
    """End this check as "not applicable"; the report shows ``reason``."""
    raise NotApplicable(reason)


def core(*apps: str) -> dict[str, Level]:
    """Return the apps on which a check is core."""
    return dict.fromkeys(apps, Level.CORE)


def extended(*apps: str) -> dict[str, Level]:
    """Return the apps on which a check is extended."""
    return dict.fromkeys(apps, Level.EXTENDED)


def check(
    check_id: str,
    *,
    level: Literal["core", "extended"] = "core",
    promise: str,
    needs: Iterable[Feature] = (),
    apps: Mapping[str, Level] | None = None,
    app_level: AppLevel | None = None,
    abilities: Iterable[Ability] = (),
    last: bool = False,
    touches: Touches = "own",
    effect: str = "",
    features: Iterable[PlatformFeature] = (),
) -> Callable[[_FunctionT], _FunctionT]:
    """Make a test function the check ``check_id``; with ``apps``, it runs once for each.

    With ``app_level``, it runs on the packages of ``--app`` instead, if there are any; those that
    are ``last`` run after the other checks of their app. What needs ``Feature.NODE_KILL`` touches
    the node without saying so.

    Raises:
        ValueError: the id is not ``capability.name`` in lower case, the promise is not one sentence
            that ends with a full stop, or ``touches`` and ``effect`` are not given together.
    """
    if not _ID.fullmatch(check_id):
        raise ValueError(f"check id {check_id!r} is not of the form capability.name_of_the_check")
    if not promise.endswith("."):
        raise ValueError(f"{check_id}: the promise is one sentence and ends with a full stop")
    needed = tuple(needs)
    if Feature.NODE_KILL in needed:
        touches, effect = "node", "kills all processes of the node"
    if (touches == "own") == bool(effect):
        raise ValueError(f"{check_id}: touches and effect belong together: say both, or neither")
    this = Check(
        check_id,
        Level(level),
        promise,
        needed,
        apps or {},
        app_level,
        tuple(abilities),
        last,
        touches,
        effect,
        tuple(features),
    )

    def mark(function: _FunctionT) -> _FunctionT:
        function.__doc__ = f"{check_id}: {promise}"  # what --collect-only -v shows
        marked = pytest.mark.check(this)(function)
        # With apps, the plugin marks each run with its own level.
        return cast(_FunctionT, marked if this.apps else level_marker(this.level)(marked))

    return mark


def level_marker(level: Level) -> pytest.MarkDecorator:
    """Return the pytest marker of a level."""
    marker: pytest.MarkDecorator = getattr(pytest.mark, level.value)
    return marker


def is_check(function: Callable[..., object]) -> bool:
    """Whether a test function is declared to be a check."""
    return any(mark.name == "check" for mark in getattr(function, "pytestmark", ()))


def check_of(item: pytest.Item) -> Check | None:
    """Return the check that this test is, with its level on its app; None for other tests."""
    marker = item.get_closest_marker("check")
    if marker is None:
        return None
    this: Check = marker.args[0]
    app = app_of(item)
    return this.on(app) if app is not None and app in this.apps else this


def app_of(item: pytest.Item) -> str | None:
    """Return the name of the app that this test runs on; None for a test without apps."""
    callspec = getattr(item, "callspec", None)
    app = callspec.params.get("app") if callspec else None
    return str(getattr(app, "name", app)) if app else None


def checks_in(module: object) -> dict[str, Check]:
    """Return every check defined in a module, by id, even if it was not selected."""
    found = {}
    for function in vars(module).values():
        for marker in getattr(function, "pytestmark", ()):
            if getattr(marker, "name", "") == "check":
                found[marker.args[0].id] = marker.args[0]
    return found


def shared(fixture_name: str, config: pytest.Config) -> Literal["module", "function"]:  # noqa: ARG001
    """Scope of a fixture that a file's checks share: ``@pytest.fixture(scope=shared)``.

    It is made once for each file; with ``--twins`` once for each check, as each has its own defect.
    """
    return "function" if config.getoption("twins") else "module"


def once(fixture_name: str, config: pytest.Config) -> Literal["session", "function"]:  # noqa: ARG001
    """Scope of a fixture that the checks of all files share; with ``--twins``, as ``shared``."""
    return "function" if config.getoption("twins") else "session"


def collection_errors(items: Iterable[pytest.Item]) -> list[str]:
    """Return what is wrong with the checks among ``items``: a line for each fault.

    An id identifies a promise over years of reports: it belongs to one function, and its
    capability is the folder of the file. In a file with checks, every test is a check.
    """
    errors: list[str] = []
    owners: dict[str, str] = {}
    tests = list(items)
    with_checks = {item.path for item in tests if check_of(item)}
    for item in tests:
        where = item.nodeid.partition("[")[0]
        this = check_of(item)
        if this is None:
            if item.path in with_checks:
                errors.append(f"{where}: is in a file with checks, but has no @check")
            continue
        folder = item.path.parent.name
        if this.capability != folder:
            errors.append(f"{where}: id {this.id!r} must begin with its folder's name, {folder}.")
        if owners.setdefault(this.id, where) != where:
            errors.append(f"{where}: id {this.id!r} is already used by {owners[this.id]}")
    return errors


def in_running_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return ``items`` sorted by ``CAPABILITIES``; inside one, by file and as written there.

    Those about app packages come by app, as one installation of it serves them all.
    """
    of_packages = [item for item in items if (this := check_of(item)) and this.app_level]
    apps = list(dict.fromkeys(map(app_of, of_packages)))
    first = min(map(_place, of_packages), default=0)

    def position(item: pytest.Item) -> tuple[int, int, bool, int]:
        this = check_of(item)
        if this is None or not this.app_level:
            return _place(item), 0, False, 0
        return first, apps.index(app_of(item)), this.last, _place(item)

    return sorted(items, key=position)


def _place(item: pytest.Item) -> int:
    """Return the place of a test's capability among them all."""
    this = check_of(item)
    known = this is not None and this.capability in CAPABILITIES
    return CAPABILITIES.index(this.capability) if this and known else len(CAPABILITIES)
