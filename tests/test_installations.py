"""One installation serves the checks of an app: when it is made, used again, made anew, ended."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.apps.package.model.description import Description
from conformance.apps.package.time_limit import OutOfTime
from conformance.suite import installations
from conformance.suite.installations import Installations, prepared_platform

LOGIN = {"begin": "/login", "user": {"path": "/"}, "logout": {"path": "/logout"}}


class FakeDelivery:
    """Installed at once; stops and leaves something behind when told to."""

    def __init__(self, *given: Any) -> None:
        _, _, self.name, self.limit, _ = given
        self.live = self.kube = None
        self.is_there = self.stopped = self.left = False
        self.troubles: list[str] = []

    def guard_disk(self, cluster: object) -> None:
        """Never has to stop it."""

    def begin(self) -> None:
        self.is_there = True

    def has_stopped(self) -> bool:
        return self.stopped

    def clean_up(self) -> list[str]:
        self.is_there = False
        return self.troubles

    def leave(self) -> None:
        self.left = True


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> Installations:
    monkeypatch.setattr(installations, "Delivery", FakeDelivery)
    monkeypatch.setattr(installations, "TrackedBranch", lambda *_: None)
    monkeypatch.setattr(installations, "made_by_hand", lambda *_: [])
    settings = SimpleNamespace(domain="stackspin.test", app=("notes",), app_time=10.0)
    clients = SimpleNamespace(platform=SimpleNamespace(apps="stackspin-apps"))
    stack = SimpleNamespace(git=None, http=lambda: None, clients=clients)
    kube, cluster = SimpleNamespace(redactor=None), SimpleNamespace()
    return Installations(settings, cluster, kube, stack, said.append)  # type: ignore[arg-type]


def a_package(name: str) -> Any:
    return SimpleNamespace(name=name, description=None)


def of(made: Installations, package: Any) -> Any:
    return made.of(package, None, None, lambda: None)  # type: ignore[arg-type]


def test_an_app_that_is_there_is_used_again(made: Installations) -> None:
    notes = a_package("notes")
    assert not made.has(notes)
    app = of(made, notes)
    assert made.has(notes)
    assert of(made, notes) is app


def test_another_app_takes_its_place(made: Installations) -> None:
    notes, wiki = a_package("notes"), a_package("wiki")
    first = of(made, notes)
    second = of(made, wiki)
    assert (first.delivery.is_there, second.delivery.is_there) == (False, True)
    assert made.has(wiki)
    assert not made.has(notes)


def test_an_app_that_has_stopped_or_was_removed_is_installed_anew_in_the_same_time(
    made: Installations,
) -> None:
    notes = a_package("notes")
    first = of(made, notes)
    first.delivery.stopped = True
    second = of(made, notes)
    assert second is not first
    second.delivery.is_there = False
    third = of(made, notes)
    assert third is not second
    assert third.delivery.limit is first.delivery.limit
    assert of(made, a_package("wiki")).delivery.limit is not first.delivery.limit


def test_what_is_left_is_an_error_of_the_run_and_the_next_app_gets_its_turn(
    made: Installations, said: list[str]
) -> None:
    of(made, a_package("notes")).delivery.troubles = ["Namespace notes hangs", "a claim"]
    assert of(made, a_package("wiki")).delivery.is_there
    assert said == ["of notes something is left: Namespace notes hangs; a claim"]
    made.end()
    made.end()
    assert len(said) == 1


def test_an_app_may_be_left_to_a_cluster_that_goes_away(
    made: Installations, said: list[str]
) -> None:
    made.leave()
    app = of(made, a_package("notes"))
    app.delivery.troubles = ["a claim"]
    made.leave()
    assert (app.delivery.is_there, app.delivery.left, said) == (True, True, [])


def test_an_app_that_could_not_begin_is_taken_away(
    made: Installations, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    def fail(delivery: FakeDelivery) -> None:
        delivery.troubles = ["half of it"]
        raise OutOfTime

    monkeypatch.setattr(FakeDelivery, "begin", fail)
    with pytest.raises(OutOfTime):
        of(made, a_package("notes"))
    made.end()
    assert said == ["of notes something is left: half of it"]


@pytest.mark.parametrize(
    ("needs", "described", "wanted", "installed"),
    [
        ((), {}, [], []),
        ((), {}, ["backups", "accounts"], ["backups"]),
        ((), {"without": {"data": "it keeps none"}}, ["backups"], []),
        ((), {"login": LOGIN}, ["accounts"], ["single_sign_on"]),
        ((), {"login": LOGIN}, [], []),
        (("single-sign-on",), {}, [], ["single_sign_on"]),
        (("velero",), {"without": {"data": "it keeps none"}}, [], ["backups"]),
    ],
)
def test_the_platform_has_what_the_app_and_its_checks_need_before_the_app_comes(
    needs: tuple[str, ...], described: dict[str, Any], wanted: list[str], installed: list[str]
) -> None:
    done: list[str] = []
    levels = ("platform", "single_sign_on", "backups", "settle")
    stack = SimpleNamespace(**{name: partial(done.append, name) for name in levels})
    placement = SimpleNamespace(depends_on=set(needs), needs_login="single-sign-on" in needs)
    prepared_platform(stack, placement, Description.model_validate(described), wanted)  # type: ignore[arg-type]
    assert done == ["platform", *installed, "settle"]
