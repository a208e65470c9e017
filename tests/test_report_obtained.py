"""A report says how long each part took that its run built or pulled."""

from __future__ import annotations

import json
import re
from pathlib import Path

from report_samples import a_check, a_report

from conformance.report.environment import ObtainedPart
from conformance.report.html import to_html
from conformance.report.write import to_json


def test_parts_stand_in_the_order_in_which_they_began(tmp_path: Path) -> None:
    report = a_report({"persistent_storage": [a_check("persistent_storage", 1)]})
    report.obtained = [
        ObtainedPart(name="debian", how="built", began=2.0, seconds=24.8),
        ObtainedPart(name="kubernetes", how="built", began=0.5, seconds=428.4),
        ObtainedPart(name="image-coredns", how="pulled", began=30.0, seconds=1.2),
    ]
    _, _, section = to_html(report, tmp_path).partition("<h2>Built or pulled in this run</h2>")
    table = section.partition("</table>")[0]
    rows = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in re.split("<tr[^>]*>", table)[2:]]
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("kubernetes", "built", "7 min 8 s"),
        ("debian", "built", "24.8 s"),
        ("image-coredns", "pulled", "1.2 s"),
    ]
    told = json.loads(to_json(report))["obtained"]
    assert told[0] == {"name": "debian", "how": "built", "began": 2.0, "seconds": 24.8}


def test_a_run_that_obtained_nothing_has_no_such_table(tmp_path: Path) -> None:
    report = a_report({"persistent_storage": [a_check("persistent_storage", 1)]})
    assert "Built or pulled" not in to_html(report, tmp_path)
