from __future__ import annotations

from datetime import date

import pytest
from linter_results import a_rule

from conformance.linter.waivers import Waiver, parse_waiver, parse_waivers, unknown_rule

TODAY = date(2026, 11, 24)
RULES = {rule.id: rule for rule in (a_rule(), a_rule("backup.annotation"), a_rule("network.tls"))}


def test_the_date_stands_after_the_last_comma() -> None:
    waiver = parse_waiver("backup.claim-label=a cache, and = only that, 2027-01-31", RULES, TODAY)
    assert waiver == Waiver("backup.claim-label", "a cache, and = only that", date(2027, 1, 31))


def test_a_waiver_holds_on_its_last_day() -> None:
    assert parse_waiver("network.tls=soon,2026-11-24", RULES, TODAY).until == TODAY


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("backup.claim-label", r"not of the form RULE=reason,until"),
        ("backup.claim-lable=x,2027-01-31", r'no rule "backup.claim-lable"; did you mean backup'),
        ("backup=x,2027-01-31", r"family: waive one of its rules, backup.claim-label, backup.ann"),
        ("=x,2027-01-31", r'no rule ""'),
        ("network.tls=cache only", r"no end date: .* network.tls=cache only,2027-02-22"),
        ("network.tls=cache only,later", r"no end date"),
        ("network.tls=cache only,20270131", r"no end date"),
        ("network.tls=2027-01-31", r"no end date"),
        ("network.tls=", r"no end date.* as in network.tls=reason,"),
        ("network.tls=,2027-01-31", r"has no reason: write network.tls=reason,2027-01-31"),
        ("network.tls= ,2027-01-31", r"has no reason"),
        ("network.tls=x,2027-02-30", r"2027-02-30, which is not a valid date"),
        ("network.tls=x,2026-11-23", r"ended on 2026-11-23"),
        ("network.tls=x,2999-01-01", r"two years are the maximum"),
    ],
)
def test_what_is_no_waiver_is_told_with_the_way_to_write_it(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_waiver(text, RULES, TODAY)


def test_one_rule_is_waived_once() -> None:
    two = ["network.tls=x,2027-01-31", "network.tls=y,2027-02-28"]
    with pytest.raises(ValueError, match=r"network\.tls is waived twice"):
        parse_waivers(two, RULES, TODAY)
    assert [one.reason for one in parse_waivers(two[:1], RULES, TODAY)] == ["x"]


def test_an_unknown_rule_is_answered_with_what_there_is() -> None:
    assert "did you mean network or network.tls?" in unknown_rule("netwrk", RULES)
    assert unknown_rule("zzz", RULES).endswith("the families are backup, network")
