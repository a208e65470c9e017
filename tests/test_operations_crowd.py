"""Users who log in while the login services restart: who is let in, and as whom."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from conformance.capabilities.operations import crowd
from conformance.capabilities.operations.crowd import Crowd

RITA = SimpleNamespace(id="1", email="rita@stackspin.test")
ROSA = SimpleNamespace(id="2", email="rosa@stackspin.test")


class Platform:
    """Logs users in, whose browsers are numbered; also what the crowd knows of it."""

    whoami = "https://dashboard.stackspin.test/sessions/whoami"

    def __init__(self) -> None:
        self.is_away = False
        self.browsers = 0
        self.taken_for: dict[str, str] = {}
        self.cached: dict[str, str] = {}
        self.status = 200

    def http(self) -> None:
        pass

    def login_client(self, user: Any) -> Any:
        self.browsers += 1

        def authorize(_: object) -> Any:
            if self.is_away:
                raise AssertionError("not sent back to the app, but HTTP 503")
            tokens = SimpleNamespace(id_token=self.taken_for.get(user.id, user.id))
            return SimpleNamespace(tokens=lambda: tokens, attempt=SimpleNamespace(nonce="n"))

        session = {"identity": {"id": self.cached.get(user.id, user.id)}}
        http = SimpleNamespace(
            get=lambda _: SimpleNamespace(status_code=self.status, json=lambda: session)
        )
        browser = SimpleNamespace(http=http)
        return SimpleNamespace(user=user, authorize=authorize, browser=browser)


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Platform:
    def relying_party(*_: object) -> Any:
        return SimpleNamespace(verified=lambda token, _: {"sub": token})

    monkeypatch.setattr(crowd, "RelyingParty", relying_party)
    monkeypatch.setattr(crowd, "PAUSE", 0.01)
    return Platform()


def crowd_of(platform: Platform) -> Crowd:
    app = SimpleNamespace(provider=None, client=None)
    return Crowd(platform, app, [RITA, ROSA])  # type: ignore[arg-type, list-item]


def logged_in(platform: Platform, *, away: bool = False) -> Crowd:
    made = crowd_of(platform)
    with made.logging_in():
        platform.is_away = away
        while not (made.told if away else made.logins):
            pass
    platform.is_away = False
    return made


def test_who_is_not_let_in_tries_again_with_the_same_browser(platform: Platform) -> None:
    platform.is_away = True
    made = logged_in(platform, away=True)
    assert made.logins == 0
    assert "HTTP 503" in made.told[0]
    assert platform.browsers == 2
    assert made.try_again() == []
    assert made.mistaken == []


def test_who_is_let_in_logs_in_with_another_browser(platform: Platform) -> None:
    made = logged_in(platform)
    assert platform.browsers == 2 + made.logins


def test_who_cannot_log_in_afterwards_is_named(platform: Platform) -> None:
    made = logged_in(platform)
    platform.is_away = True
    rita, rosa = made.try_again()
    assert rita.startswith("rita@stackspin.test: AssertionError: not sent back")
    assert rosa.startswith("rosa@")


def test_a_login_without_a_session_is_half_a_login(platform: Platform) -> None:
    made = logged_in(platform)
    platform.status = 401
    assert made.try_again()[0] == "rita@stackspin.test: HTTP 401 of a session"


def test_who_is_taken_for_another_is_named(platform: Platform) -> None:
    made = logged_in(platform)
    platform.taken_for["2"] = "1"
    made.try_again()
    platform.taken_for.clear()
    assert made.mistaken == ["rosa@stackspin.test is logged in as rita@stackspin.test"]
    platform.cached["2"] = "1"
    made = logged_in(platform)
    made.try_again()
    assert made.mistaken == ["rosa@stackspin.test is logged in as rita@stackspin.test"]
