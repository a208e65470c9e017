"""What the report of one run says of several clusters."""

from __future__ import annotations

from report_samples import a_check, a_platform, a_report

from conformance.report.combined import combine
from conformance.report.environment import ClusterInfo, Component, InstallationStep, ObtainedPart
from conformance.report.model import RunReport


def of_cluster(number: int, **more: object) -> RunReport:
    cluster = ClusterInfo(provider="embedded", name=f"stackspin-{number}", kubernetes="v1.36.3")
    return a_report({}, cluster=cluster, **more)


def test_all_clusters_are_named_and_what_is_the_same_is_said_once() -> None:
    flux, helm = (Component(name=name, version="1", origin="built") for name in ("flux", "helm"))
    report = a_report({"dashboard": [a_check("dashboard", 1)]})
    first = of_cluster(1, components=[flux], building_seconds=2.5, not_installed={"mail": "no"})
    second = of_cluster(2, components=[flux, helm], building_seconds=4.0, platform=a_platform())
    combine(report, [first, second])
    assert report.cluster is not None
    assert (report.cluster.name, report.cluster.kubernetes) == (
        "stackspin-1, stackspin-2",
        "v1.36.3",
    )
    assert report.components == [flux, helm]
    assert report.building_seconds == 6.5
    assert report.not_installed == {"mail": "no"}
    assert report.platform == second.platform
    assert len(report.checks) == 1
    assert first.cluster is not None
    assert first.cluster.name == "stackspin-1"


def test_parts_and_steps_are_in_the_order_of_time_and_steps_name_their_cluster() -> None:
    early, late = (
        InstallationStep(step="apps", began=1, seconds=9),
        InstallationStep(step="apps", began=2, seconds=1),
    )
    pulled = ObtainedPart(name="flux", how="pulled", began=0, seconds=9)
    built = ObtainedPart(name="helm", how="built", began=2, seconds=3)
    report = a_report({})
    combine(
        report,
        [
            of_cluster(1, installation=[late], obtained=[pulled]),
            of_cluster(2, installation=[early], obtained=[built]),
        ],
    )
    assert report.obtained == [built, pulled]
    assert [(step.step, step.cluster) for step in report.installation] == [
        ("apps", "stackspin-2"),
        ("apps", "stackspin-1"),
    ]
    started = InstallationStep(step="dns", cluster="stackspin-1-testing", began=0, seconds=5)
    combine(report, [of_cluster(1, installation=[started]), of_cluster(2)])
    assert report.installation == [started]


def test_before_any_cluster_is_known_nothing_is_said_of_one() -> None:
    report = a_report({})
    combine(report, [a_report({}, cluster=None)])
    assert report.cluster is None
    assert report.installation == []
