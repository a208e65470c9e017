"""Users are logged in only where the suite knows how: at which login pages checks run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from small_runs import runner, verdicts

from conformance.platform.clients import Clients
from conformance.platform.description import Pages, Platform
from conformance.platform.features import PlatformFeature
from conformance.platform.reference import reference_platform
from conformance.services.form_browser import Form, Page
from conformance.suite import accounts as module
from conformance.suite.accounts import Accounts
from conformance.suite.check import NotRun

LOGIN = Form("/", "post", {"identifier": "", "password": ""})
KRATOS = SimpleNamespace(create=lambda *_, **__: SimpleNamespace(id="1", verified=False))
UNKNOWN_PAGES = """
from conformance.platform.reference import reference_platform
from conformance.report.platform import Whose
from conformance.suite.platform_fixtures import known_pages
from conformance.suite.platform_under_test import PlatformUnderTest

@pytest.fixture(scope="session")
def platform_under_test(settings):
    platform = reference_platform("example.org").model_copy(update={"features": ()})
    return PlatformUnderTest(Whose.REFERENCE, platform)

@check("auto_update.seen", promise="It holds.")
def test_seen(known_pages): pass
"""


def a_platform(*features: PlatformFeature, **pages: str) -> Platform:
    made = reference_platform("example.org")
    login = made.single_sign_on.model_copy(update={"pages": Pages(**pages)})
    return made.model_copy(update={"features": features, "single_sign_on": login})


def on(platform: Platform, monkeypatch: pytest.MonkeyPatch, page: Page) -> Accounts:
    """Return what makes accounts on a platform whose login page is ``page``."""

    class Browser:
        def __init__(self, *_: object) -> None: ...

        def open(self, url: str) -> Page:
            assert url == page.url
            return page

    monkeypatch.setattr(module, "FormBrowser", Browser)
    clients = SimpleNamespace(
        platform=platform, run_id="r1", kratos=lambda: KRATOS, hydra=lambda: None
    )
    http: Any = lambda: None  # noqa: E731
    return Accounts(cast(Clients, clients), http, "default", {})


@pytest.mark.parametrize(
    ("status", "forms", "runs"), [(200, (LOGIN,), True), (200, (), False), (503, (), True)]
)
def test_no_user_is_made_whom_nobody_can_log_in(
    status: int, forms: tuple[Form, ...], runs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page("https://dashboard.example.org/sign-in", status, "", forms)
    made = on(a_platform(login="/sign-in"), monkeypatch, page)
    if runs:
        assert made.user("ada").id == "1"
    else:
        with pytest.raises(NotRun, match="sign-in has no form with the fields identifier"):
            made.user("ada")


def test_the_pages_of_the_reference_dashboard_are_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    platform = a_platform(PlatformFeature.REFERENCE_DASHBOARD)
    assert on(platform, monkeypatch, Page("", 200)).user("ada").id == "1"


def test_nobody_is_verified_where_addresses_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = a_platform(PlatformFeature.REFERENCE_DASHBOARD)
    made = on(platform, monkeypatch, Page("", 200))
    with pytest.raises(NotRun, match="no address that can be verified"):
        made.user("vera", verified=True)


def test_pages_are_at_the_dashboard_or_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    consent = "https://ask.example.org/consent"
    made = on(a_platform(kratos="/kratos/", consent=consent), monkeypatch, Page("", 200))
    assert made.whoami == "https://dashboard.example.org/kratos/sessions/whoami"
    assert made.page("consent") == consent
    made.other_dashboard = "https://portal.example.org/"
    assert made.page("login") == "https://portal.example.org/web/login"


def test_nobody_opens_a_browser_at_unknown_pages(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del tmp_path
    runner(pytester, monkeypatch)(UNKNOWN_PAGES)
    assert verdicts(pytester) == {"seen": "not run"}
