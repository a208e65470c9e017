"""What changed since an earlier run."""

from __future__ import annotations

from report_samples import a_check, a_report

from conformance.report.compare import compare
from conformance.report.model import RunReport, Verdict


def test_comparison_says_what_broke_and_what_healed() -> None:
    def run(**verdicts: Verdict) -> RunReport:
        return a_report({"x": [a_check("x", 0, v, id=f"x.{name}") for name, v in verdicts.items()]})

    before = run(a=Verdict.PASS, b=Verdict.FAIL, c=Verdict.FAIL, d=Verdict.PASS, e=Verdict.PASS)
    after = run(a=Verdict.FAIL, b=Verdict.PASS, c=Verdict.FAIL, d=Verdict.NOT_RUN, f=Verdict.PASS)
    found = compare(before, after)
    assert [c.id for c in found.newly_failing] == ["x.a"]
    assert [c.id for c in found.fixed] == ["x.b"]
    assert [c.id for c in found.still_failing] == ["x.c"]
    assert [c.id for c in found.no_longer_run] == ["x.d", "x.e"]
    assert [c.id for c in found.new] == ["x.f"]


def test_comparison_names_only_notable_changes_of_duration() -> None:
    def run(*seconds: float) -> RunReport:
        return a_report({"x": [a_check("x", n, seconds=s) for n, s in enumerate(seconds)]})

    found = compare(run(1, 10, 60, 30), run(4, 30, 64, 10))
    assert [c.id for c in found.slower] == ["x.promise_1"]
    assert [c.id for c in found.faster] == ["x.promise_3"]
