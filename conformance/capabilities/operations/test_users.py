"""What users notice of outages, and administrators of many users."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from conformance.capabilities.operations.recovery import Recovery
from conformance.common.load import LoadMeter
from conformance.platform.features import PlatformFeature
from conformance.services.login_pages import shown
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.capabilities.operations.crowd import Crowd
    from conformance.capabilities.operations.mail_server import MailServer
    from conformance.report.evidence import EvidenceBox
    from conformance.suite.accounts import Accounts

OUTAGE = 60.0
"""Seconds: a mail server, or the machine that it is on, restarts in less."""
PATIENCE = 5.0
"""Seconds in which an idle machine shows the list of users."""


@check(
    "operations.mail_server_down",
    level="extended",
    promise="A mail that a user asks for while the mail server is away for a minute arrives once "
    "it is back.",
    touches="platform",
    effect="takes the mail server away for a minute",
)
def test_mail_server_down(
    accounts: Accounts, mail_server: MailServer, evidence: EvidenceBox
) -> None:
    ordinary = Recovery.of("rita", accounts)
    with mail_server.down():
        recovery = Recovery.of("rosa", accounts)
        given_up = mail_server.gives_up(recovery.email, within=OUTAGE)
    assert recovery.told == ordinary.told, f"not what users are told else: {recovery.told}"
    assert not given_up, f"Kratos has given the mail up: {given_up}"
    with evidence.timed("mail sent once the mail server was back"):
        mail = accounts.mail.wait_for(recovery.email)
    assert recovery.lets_in(mail.text), "the code in the mail is refused"


@check(
    "operations.restart_while_logging_in",
    level="extended",
    promise="If Kratos and Hydra restart while users log in, each user can log in once both are "
    "back, and nobody as somebody else.",
    touches="platform",
    effect="restarts Kratos and Hydra",
)
def test_restart_while_logging_in(crowd: Crowd, evidence: EvidenceBox) -> None:
    with crowd.logging_in():
        crowd.restart_login()
    evidence.note(f"{crowd.logins} logins ended well, {len(crowd.told)} attempts did not")
    evidence.attach("attempts.txt", "\n".join(crowd.told))
    faults = crowd.try_again()
    assert not crowd.mistaken, "; ".join(crowd.mistaken)
    assert not faults, f"cannot log in after the restart: {'; '.join(faults)}"


@check(
    "operations.many_users",
    level="extended",
    promise="The dashboard lists all of 500 users within five seconds.",
    touches="platform",
    effect="adds 500 users, and removes them",
    features=(PlatformFeature.REFERENCE_DASHBOARD,),
)
def test_many_users(accounts: Accounts, many_users: list[str], evidence: EvidenceBox) -> None:
    ada = accounts.login_client(accounts.user("ada", may_use={"dashboard": "admin"}))
    ada.log_in(ada.browser.open(accounts.page("login")))
    meter, began = LoadMeter(), time.monotonic()
    page = ada.browser.open(f"{accounts.dashboard}/users")
    seconds, load = time.monotonic() - began, meter.read()
    evidence.measure(f"a list of {len(many_users)} users", seconds, load=load)
    assert page.status == 200, shown(page)
    missing = [email for email in many_users if email not in page.text]
    assert not missing, f"{len(missing)} of {len(many_users)} users are not listed"
    limit = PATIENCE * load.slowdown
    assert seconds <= limit, f"the list took {seconds:.1f} s, more than {limit:.0f} s ({load})"
